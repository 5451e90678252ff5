"""Charts as SVG in the page itself.

Colours are classes of `templates/style.css`, so that a chart follows the reader's theme, light or
dark, and the printer.
"""

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from madeira.models.arrays import Float64

__all__ = ["Plot", "compact", "nice_ticks"]


_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


class Plot:
    """One set of axes.

    Args:
        width: Width of the picture at its natural size, in pixels.
        height: Height of the picture, likewise.
        x: Range of the horizontal axis.
        y: Range of the vertical axis.
        left: Margin for the labels of the vertical axis, in pixels.
        bottom: Margin for the labels of the horizontal axis.
        right: Right margin.
        top: Top margin.
    """

    def __init__(
        self,
        width: float,
        height: float,
        x: tuple[float, float],
        y: tuple[float, float],
        left: float = 44,
        bottom: float = 34,
        right: float = 14,
        top: float = 8,
    ) -> None:
        self.width, self.height = width, height
        self._x = x if x[1] > x[0] else (x[0] - 0.5, x[0] + 0.5)
        self._y = y if y[1] > y[0] else (y[0], y[0] + 1)
        self._left, self._right = left, width - right
        self._top, self._bottom = top, height - bottom
        self._parts: list[Markup] = []

    def x(self, value: float) -> float:
        """Return the horizontal position of a value, in pixels."""
        low, high = self._x
        return self._left + (value - low) / (high - low) * (self._right - self._left)

    def y(self, value: float) -> float:
        """Return the vertical position of a value, in pixels."""
        low, high = self._y
        return self._bottom - (value - low) / (high - low) * (self._bottom - self._top)

    def axes(
        self,
        x_label: str = "",
        y_label: str = "",
        x_ticks: Sequence[tuple[float, str]] | None = None,
        y_ticks: Sequence[tuple[float, str]] | None = None,
    ) -> None:
        """Draw grid, ticks and labels, before everything else.

        Args:
            x_label: Label of the horizontal axis.
            y_label: Label of the vertical axis.
            x_ticks: Values and labels of the ticks; None chooses round values.
            y_ticks: Likewise.
        """
        x_ticks = nice_ticks(*self._x, 5) if x_ticks is None else x_ticks
        y_ticks = nice_ticks(*self._y, 4) if y_ticks is None else y_ticks
        for value, label in y_ticks:
            place = self.y(value)
            self._path("grid", f"M{self._left:.1f} {place:.1f}H{self._right:.1f}")
            self.text(self._left - 5, place + 3.5, label, anchor="end")
        for value, label in x_ticks:
            self.text(self.x(value), self._bottom + 13, label, anchor="middle")
        self._path("axis", f"M{self._left:.1f} {self._bottom:.1f}H{self._right:.1f}")
        if x_label:
            self.text((self._left + self._right) / 2, self.height - 4, x_label, anchor="middle")
        if y_label:
            self.text(11, (self._top + self._bottom) / 2, y_label, anchor="middle", turned=True)

    def line(
        self, xs: Sequence[float] | Float64, ys: Sequence[float] | Float64, style: str
    ) -> None:
        """Draw a line through points.

        Args:
            xs: Horizontal positions, (points,).
            ys: Vertical positions, (points,); points that are not finite are skipped.
            style: Class of the style sheet.
        """
        points = [
            f"{self.x(x):.1f} {self._inside(self.y(y)):.1f}"
            for x, y in zip(xs, ys, strict=True)
            if math.isfinite(x) and math.isfinite(y)
        ]
        if points:
            self._path(style, f"M{'L'.join(points)}")

    def band(self, xs: Sequence[float] | Float64, low: Float64, high: Float64, style: str) -> None:
        """Fill the area between two lines.

        Args:
            xs: Horizontal positions, (points,).
            low: Vertical positions of the lower line, (points,).
            high: Vertical positions of the upper line, (points,).
            style: Class of the style sheet.
        """
        ahead = [f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in zip(xs, low, strict=True)]
        back = [f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in zip(xs, high, strict=True)]
        self._path(style, f"M{'L'.join(ahead + back[::-1])}Z")

    def bars(self, edges: Float64, heights: Float64, style: str) -> None:
        """Draw a histogram of filled bars.

        Args:
            edges: Edges of the bars, (bars + 1,).
            heights: Heights of the bars, (bars,).
            style: Class of the style sheet.
        """
        for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
            if height > 0:
                self.box(left, right, 0.0, height, style)

    def steps(self, edges: Float64, heights: Float64, style: str) -> None:
        """Draw the outline of a histogram.

        Args:
            edges: Edges of the bars, (bars + 1,).
            heights: Heights of the bars, (bars,).
            style: Class of the style sheet.
        """
        xs = np.repeat(edges, 2)
        ys = np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])
        self.line(xs, ys, style)

    def box(
        self,
        left: float,
        right: float,
        low: float,
        high: float,
        style: str,
        opacity: float | None = None,
        note: str = "",
    ) -> None:
        """Draw a filled rectangle.

        Args:
            left: Left end on the horizontal axis.
            right: Right end.
            low: Lower end on the vertical axis.
            high: Upper end.
            style: Class of the style sheet.
            opacity: Opacity from 0 to 1; None for that of the class.
            note: Text that the mouse shows.
        """
        x, y = self.x(left), self.y(high)
        width, height = max(self.x(right) - x - 0.5, 0.6), self.y(low) - y
        place = Markup(
            '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'
        ).format(style, x, y, width, height)
        if opacity is not None:
            place += Markup(' fill-opacity="{:.2f}"').format(opacity)
        self._parts.append(place + _closed("rect", note))

    def dot(self, x: float, y: float, radius: float, style: str, note: str = "") -> None:
        """Draw a point.

        Args:
            x: Position on the horizontal axis.
            y: Position on the vertical axis.
            radius: Radius in pixels.
            style: Class of the style sheet.
            note: Text that the mouse shows.
        """
        place = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"').format(
            style, self.x(x), self.y(y), radius
        )
        self._parts.append(place + _closed("circle", note))

    def text(
        self,
        x: float,
        y: float,
        words: str,
        anchor: str = "start",
        style: str = "",
        size: float | None = None,
        turned: bool = False,
    ) -> None:
        """Write a text.

        Args:
            x: Horizontal position in pixels.
            y: Vertical position in pixels.
            words: The text.
            anchor: Part of the text that stands at the position: `start`, `middle` or `end`.
            style: Class of the style sheet.
            size: Font size in pixels; None for that of the style sheet.
            turned: Whether to write upwards.
        """
        place = (
            'transform="translate({:.1f} {:.1f}) rotate(-90)"'
            if turned
            else 'x="{:.1f}" y="{:.1f}"'
        )
        attributes = Markup(place).format(x, y)  # noqa: S704 - one of the two above
        if style:
            attributes += Markup(' class="{}"').format(style)
        if size is not None:
            attributes += Markup(' style="font-size:{:.1f}px"').format(size)
        self._parts.append(
            Markup('<text {} text-anchor="{}">{}</text>').format(attributes, anchor, words)
        )

    def render(self, alternative: str) -> Markup:
        """Return the picture.

        Args:
            alternative: Text for readers who cannot see it.
        """
        return Markup(
            '<svg viewBox="0 0 {0:g} {1:g}" role="img" aria-label="{2}" style="max-width:{0:g}px">'
            "{3}</svg>"
        ).format(self.width, self.height, alternative, Markup("").join(self._parts))

    def _path(self, style: str, path: str) -> None:
        self._parts.append(Markup('<path class="{}" d="{}"/>').format(style, path))

    def _inside(self, place: float) -> float:
        return min(max(place, self._top), self._bottom)


def _closed(tag: str, note: str) -> Markup:
    """Return the end of a shape, with the text that the mouse shows."""
    return Markup("><title>{}</title></{}>").format(note, tag) if note else Markup("/>")


def nice_ticks(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """Return round values between two limits, with their labels.

    Args:
        low: Lower limit.
        high: Upper limit.
        count: About how many values.
    """
    if not math.isfinite(high - low) or high <= low:
        return [(low, compact(low))] if math.isfinite(low) else []
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in _STEPS if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [(place * step, compact(place * step)) for place in range(first, last + 1)]


def compact(value: float) -> str:
    """Format a number in few characters: 12k, 1.5M, 0.025."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            scaled = value / (1e3 if letter == "k" else limit)
            return f"{scaled:.4g}{letter}"
    return f"{value:.4g}"

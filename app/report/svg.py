"""Pictures as SVG in the page itself: they take its colours, in the light and in the dark.

Colours are classes of the style sheet in `page.py`, so that a picture follows the reader's theme
and a printer's paper.
"""

import math
from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Plot", "compact", "nice_ticks"]

Floats = npt.NDArray[np.float64]

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


class Plot:
    """One set of axes.

    Args:
        width: Of the picture, in pixels at its natural size.
        height: Likewise.
        x: Range of the horizontal axis.
        y: Range of the vertical axis.
        left: Room for the labels of the vertical axis, in pixels.
        bottom: Room for those of the horizontal axis.
    """

    def __init__(
        self,
        width: float,
        height: float,
        x: tuple[float, float],
        y: tuple[float, float],
        left: float = 44,
        bottom: float = 34,
    ) -> None:
        self.width, self.height = width, height
        self._x = x if x[1] > x[0] else (x[0] - 0.5, x[0] + 0.5)
        self._y = y if y[1] > y[0] else (y[0], y[0] + 1)
        self._left, self._right, self._top, self._bottom = left, width - 14, 8, height - bottom
        self._parts: list[str] = []

    def x(self, value: float) -> float:
        """Place of a value on the horizontal axis, in pixels."""
        low, high = self._x
        return self._left + (value - low) / (high - low) * (self._right - self._left)

    def y(self, value: float) -> float:
        """Place of a value on the vertical axis, in pixels."""
        low, high = self._y
        return self._bottom - (value - low) / (high - low) * (self._bottom - self._top)

    def axes(
        self,
        x_label: str = "",
        y_label: str = "",
        x_ticks: Sequence[tuple[float, str]] | None = None,
        y_ticks: Sequence[tuple[float, str]] | None = None,
    ) -> None:
        """Draws grid, ticks and labels; draw it first. Ticks are chosen where none are given."""
        x_ticks = nice_ticks(*self._x, 5) if x_ticks is None else x_ticks
        y_ticks = nice_ticks(*self._y, 4) if y_ticks is None else y_ticks
        for value, label in y_ticks:
            place = self.y(value)
            self._add(f'<path class="grid" d="M{self._left:.1f} {place:.1f}H{self._right:.1f}"/>')
            self.text(self._left - 5, place + 3.5, label, anchor="end")
        for value, label in x_ticks:
            self.text(self.x(value), self._bottom + 13, label, anchor="middle")
        self._add(
            f'<path class="axis" d="M{self._left:.1f} {self._bottom:.1f}H{self._right:.1f}"/>'
        )
        if x_label:
            self.text((self._left + self._right) / 2, self.height - 4, x_label, anchor="middle")
        if y_label:
            middle = (self._top + self._bottom) / 2
            self._add(
                f'<text transform="translate(11 {middle:.1f}) rotate(-90)" '
                f'text-anchor="middle">{escape(y_label)}</text>'
            )

    def line(self, xs: Sequence[float] | Floats, ys: Sequence[float] | Floats, style: str) -> None:
        """Draws a line through points; those that are not finite are left out."""
        points = [
            f"{self.x(x):.1f} {self._inside(self.y(y)):.1f}"
            for x, y in zip(xs, ys, strict=True)
            if math.isfinite(x) and math.isfinite(y)
        ]
        if points:
            self._add(f'<path class="{style}" d="M{"L".join(points)}"/>')

    def band(self, xs: Sequence[float] | Floats, low: Floats, high: Floats, style: str) -> None:
        """Fills what lies between two lines."""
        ahead = [f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in zip(xs, low, strict=True)]
        back = [f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in zip(xs, high, strict=True)]
        self._add(f'<path class="{style}" d="M{"L".join(ahead + back[::-1])}Z"/>')

    def bars(self, edges: Floats, heights: Floats, style: str) -> None:
        """Draws a histogram of filled bars."""
        for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
            if height > 0:
                self.box(left, right, 0.0, height, style)

    def steps(self, edges: Floats, heights: Floats, style: str) -> None:
        """Draws the outline of a histogram."""
        xs = np.repeat(edges, 2)
        ys = np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])
        self.line(xs, ys, style)

    def box(self, left: float, right: float, low: float, high: float, style: str) -> None:
        """Draws a filled rectangle."""
        x, y = self.x(left), self.y(high)
        self._add(
            f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" '
            f'width="{max(self.x(right) - x - 0.5, 0.6):.1f}" height="{self.y(low) - y:.1f}"/>'
        )

    def dot(self, x: float, y: float, radius: float, style: str, note: str = "") -> None:
        """Draws a point, with a note that shows under the mouse."""
        title = f"<title>{escape(note)}</title>" if note else ""
        self._add(
            f'<circle class="{style}" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" '
            f'r="{radius:.1f}">{title}</circle>'
        )

    def text(self, x: float, y: float, words: str, anchor: str = "start", style: str = "") -> None:
        """Writes at a place given in pixels."""
        kind = f' class="{style}"' if style else ""
        self._add(
            f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def render(self, alternative: str) -> str:
        """The picture; the alternative text says what it shows to whom cannot see it."""
        return (
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f'aria-label="{escape(alternative)}" style="max-width:{self.width:g}px">'
            f"{''.join(self._parts)}</svg>"
        )

    def _add(self, part: str) -> None:
        self._parts.append(part)

    def _inside(self, place: float) -> float:
        return min(max(place, self._top), self._bottom)


def nice_ticks(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """About `count` round values between two, with their labels."""
    if not math.isfinite(high - low) or high <= low:
        return [(low, compact(low))] if math.isfinite(low) else []
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in _STEPS if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [(place * step, compact(place * step)) for place in range(first, last + 1)]


def compact(value: float) -> str:
    """A number in few characters: 12k, 1.5M, 0.025."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            scaled = value / (1e3 if letter == "k" else limit)
            return f"{scaled:.4g}{letter}"
    return f"{value:.4g}"

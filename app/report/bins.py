"""Edges, heights and date labels of histograms."""

import math

import numpy as np

from madeira.app.report.svg import compact
from madeira.models.arrays import Float64

__all__ = ["edges_of", "heights_of", "instant_ticks"]

_BARS = 30
_TAIL = 0.005  # share of values at either end that may lie beyond the picture
_LONG_TAIL = 2.5  # how many times longer the range has to be for that
_MAX_STEPS = 5_000

_UNITS = ((365.2425 * 86_400, "Y", 4), (30.44 * 86_400, "M", 7), (86_400.0, "D", 10))


def edges_of(values: Float64) -> Float64:
    """Return the edges of about thirty bars, (bars + 1,).

    If the values have one resolution, every bar holds equally many possible values. If few values
    are far out, the picture ends before them, and they count in the last bar.

    Args:
        values: Values of the column, (n,).
    """
    low, high = float(values.min()), float(values.max())
    inner = np.quantile(values, [_TAIL, 1 - _TAIL])
    if high - low > _LONG_TAIL * (inner[1] - inner[0]) > 0:
        low, high = float(inner[0]), float(inner[1])
    if high == low:
        return np.array([low - 0.5, high + 0.5])
    distinct = np.unique(values)
    step = float(np.diff(distinct).min())
    steps = (high - low) / step
    # Otherwise some bars would hold one possible value more than others.
    on_lattice = bool(np.allclose(np.diff(distinct) / step, np.rint(np.diff(distinct) / step)))
    if steps > _MAX_STEPS or not on_lattice:
        return np.linspace(low, high, _BARS + 1)
    width = step * math.ceil((steps + 1) / _BARS)
    first = low - step / 2
    count = math.ceil((high - first) / width)
    return first + width * np.arange(count + 1, dtype=np.float64)


def heights_of(values: Float64, edges: Float64) -> Float64:
    """Return the share of the values in each bar, (bars,).

    Args:
        values: Values of the column, (n,); those beyond the ends count in the outermost bars.
        edges: Edges of the bars, (bars + 1,).
    """
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    shares: Float64 = counts / max(values.size, 1)
    return shares


def instant_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return three or four dates with their labels.

    Args:
        low: First instant, seconds since 1970.
        high: Last instant, seconds since 1970.
    """
    if not high - low > 0:
        return []
    span = high - low
    unit, code, length = next((u for u in _UNITS if span > 2.5 * u[0]), (3_600.0, "h", 16))
    count = max(1, round(span / unit / 3))
    start, stop = (np.datetime64(int(value), "s").astype(f"M8[{code}]") for value in (low, high))
    first, last = (int(date.astype(np.int64)) for date in (start, stop))
    dates = np.arange(first, last + 1, count).astype(f"M8[{code}]")
    places = dates.astype("M8[s]").astype(np.int64)
    return [
        (float(place), str(date)[:length].replace("T", " "))
        for place, date in zip(places, dates, strict=True)
        if low <= place <= high
    ] or [(low, compact(low))]

r"""The monotone transform of numeric columns: even out a skewed column before the mixture sees it.

With y = (code - center) / width,

    T(code) = (a(y) - shift) / scale,    a(y) = asinh(y) for low <= y <= high

and a goes on straight, at the slope it has there, below `low` and above `high`, which are the
ends of the training values. Around the center asinh is straight, far from it a logarithm: one
family for symmetric, skewed and heavy-tailed columns (Johnson, Biometrika 1949, system SU). That
it is straight outside gives draws beyond the training values the tail of a logistic, not of its
exponential.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from madeira.models.arrays import Float64
from madeira.models.values.json_record import Record

__all__ = ["IDENTITY", "Transform", "log_slope", "stack", "transform", "untransform"]

_POINTS = 512
_DENSE_SHARE, _MIN_DENSE_ROWS = 0.05, 20
_MIN_LOG_WIDTH = -3.0  # of widths, in those of the stretch where values lie densest
_MAX_LOG_WIDTH = 2.5  # in standard deviations
_WIDTHS_PER_NAT = 2.8
_MIN_WIDTH = 1e-12  # in standard deviations
_CENTERS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Transform:
    """A transform of the codes of one column.

    Attributes:
        center: Code around which it is straight.
        width: How far it is straight, in codes; > 0.
        low: Lower end of the asinh, as y.
        high: Upper end of the asinh, as y; at least `low`.
        shift: Mean of the training values, as a(y).
        scale: Standard deviation of the training values, as a(y); > 0.
    """

    center: float
    width: float
    low: float
    high: float
    shift: float
    scale: float

    @classmethod
    def fit(cls, codes: Float64, cell: float = 0.0) -> Self:
        """Return the transform under which codes are likeliest to be normal.

        The best center is looked for among their quantiles, the best width on a logarithmic grid.

        Args:
            codes: Training codes, (rows,), at least one.
            cell: Distance of neighbouring codes; those that are equal are spread over as much,
                so that a single value does not attract the transform.
        """
        codes = _spread(codes, cell)
        quantiles = np.quantile(codes, (np.arange(_POINTS) + 0.5) / _POINTS)
        widths = _widths(quantiles, len(codes), _deviation(codes))[:, None]
        best = (-np.inf, 0.0, 1.0)
        for center in np.unique(np.quantile(codes, _CENTERS)):
            y = (quantiles - center) / widths  # (widths, points)
            deviation = np.maximum(np.arcsinh(y).std(1), 1e-9)
            slopes = np.log(widths[:, 0]) + 0.5 * np.log1p(y * y).mean(1)
            likelihoods = -np.log(deviation) - slopes
            place = int(likelihoods.argmax())
            best = max(best, (float(likelihoods[place]), float(center), float(widths[place, 0])))
        _, center, width = best
        bent = np.arcsinh((codes - center) / width)
        low, high = ((end - center) / width for end in (float(codes.min()), float(codes.max())))
        return cls(center, width, low, high, float(bent.mean()), _deviation(bent))

    def to_json(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Read what `to_json` wrote.

        Raises:
            SchemaError: Names the field and what was expected.
        """
        record.only([field.name for field in fields(cls)])
        positive = {"width": 0.0, "scale": 0.0}
        numbers = {
            field.name: record.number(field.name, above=positive.get(field.name, -np.inf))
            for field in fields(cls)
        }
        if numbers["low"] > numbers["high"]:
            raise record.wrong("low", "no larger than 'high'")
        return cls(**numbers)


IDENTITY = Transform(0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
"""The transform that leaves codes as they are."""


def stack(transforms: Sequence[Transform]) -> Tensor:
    """Return the numbers of the transforms of n columns, (6, n) float64."""
    return torch.tensor([astuple(each) for each in transforms], dtype=torch.float64).T


def transform(codes: Tensor, numbers: Tensor) -> Tensor:
    """Return T(code) in float64; codes are (batch, n), numbers (6, n)."""
    center, width, low, high, shift, scale = numbers
    y = (codes.double() - center) / width
    inside = y.clamp(low, high)
    bent = torch.asinh(inside) + (y - inside) / torch.sqrt(1 + inside * inside)
    points: Tensor = (bent - shift) / scale
    return points


def log_slope(codes: Tensor, numbers: Tensor) -> Tensor:
    """Return log T'(code) in float64; codes are (batch, n), numbers (6, n)."""
    center, width, low, high, _, scale = numbers
    inside = ((codes.double() - center) / width).clamp(low, high)
    return -torch.log(width * scale) - 0.5 * torch.log1p(inside * inside)


def untransform(points: Tensor, numbers: Tensor) -> Tensor:
    """Return the codes, in float64, at which T is `points`, (batch, n); numbers are (6, n)."""
    center, width, low, high, shift, scale = numbers
    bent = points.double() * scale + shift
    inside = bent.clamp(torch.asinh(low), torch.asinh(high))
    y = torch.sinh(inside) + (bent - inside) * torch.cosh(inside)
    codes: Tensor = center + width * y
    return codes


def _widths(quantiles: Float64, rows: int, deviation: float) -> Float64:
    """Return the widths to try, (widths,), rising.

    The narrowest follow from where values lie densest, not from the standard deviation: one value
    far away, or a tail over many orders of magnitude, makes that as large as it likes.

    Args:
        quantiles: Of the codes, evenly spaced, rising, (points,).
        rows: How many codes there are.
        deviation: Standard deviation of the codes.
    """
    share = min(0.5, max(_DENSE_SHARE, _MIN_DENSE_ROWS / rows))
    step = round(share * len(quantiles))
    dense = float((quantiles[step:] - quantiles[:-step]).min())
    smallest = np.log(max(dense, _MIN_WIDTH * deviation)) + _MIN_LOG_WIDTH
    largest = np.log(deviation) + _MAX_LOG_WIDTH
    count = max(2, round((largest - smallest) * _WIDTHS_PER_NAT))
    return np.exp(np.linspace(smallest, largest, count))


def _spread(codes: Float64, cell: float) -> Float64:
    """Spread equal codes evenly over a cell around them, (rows,) to (rows,) rising."""
    ordered = np.sort(codes)
    if cell == 0:
        return ordered
    _, first, counts = np.unique(ordered, return_index=True, return_counts=True)
    places = np.arange(len(ordered)) - np.repeat(first, counts) + 0.5
    return np.asarray(ordered + cell * (places / np.repeat(counts, counts) - 0.5))


def _deviation(values: Float64) -> float:
    """Return the standard deviation, 1 where it vanishes."""
    deviation = float(values.std())
    smallest = 16 * np.finfo(np.float64).eps * float(np.abs(values).max())
    return deviation if deviation > smallest else 1.0

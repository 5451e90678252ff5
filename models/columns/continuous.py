r"""Continuous columns: a mixture of logistics on the standardised value.

With z = (x - shift) / scale the density in original units is

    p(x) = 1 / scale * sum_m pi_m f((z - mu_m) / s_m) / s_m,    f(t) = sigmoid(t) sigmoid(-t)

after Salimans, Karpathy, Chen, Kingma, PixelCNN++, ICLR 2017, undiscretised. Dates and time
stamps are seconds since 1970.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn import functional

from models.columns.arrow_types import Family, family, is_integer, type_name, value_type
from models.columns.base import Column, Head
from models.columns.choice import choose
from models.columns.numbers import Values, from_numbers, to_numbers
from models.columns.record import Record
from models.columns.vocabulary import Value
from models.errors import SchemaError, TableError

__all__ = ["Continuous", "ContinuousHead"]

_COMPONENTS = 8
_FARTHEST = 1e6  # standard deviations; what lies beyond counts as here: likelihoods stay finite
_FEATURE_LIMIT = 8.0  # standard deviations that the network tells apart
_LOG_SCALE_LIMIT = 7.0  # |log s_m| stays below: a spike cannot grow without bound


class ContinuousHead(Head):
    """Mixture-of-logistics conditionals of n continuous columns with M components each.

    The 3 M units of a column are its M component logits, M means and M raw log-scales; a
    log-scale is 7 tanh(raw / 7), which is smooth, so that no component loses its gradient.
    """

    def __init__(self, columns: Sequence["Continuous"]) -> None:
        super().__init__(columns)
        self._components = columns[0].components
        self._log_units = torch.tensor(
            [np.log(column.scale) for column in columns], dtype=torch.float64
        )

    def features(self, values: Tensor, observed: Tensor) -> Tensor:
        """Returns z, clipped to 8 standard deviations; see `Head.features`."""
        clipped = values.clamp(-_FEATURE_LIMIT, _FEATURE_LIMIT)
        return torch.where(observed, clipped, torch.zeros_like(values))

    def log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Returns log-densities in original units; see `Head.log_prob`."""
        dtype = torch.promote_types(parameters.dtype, torch.float32)
        logits, means, log_scales = self._mixture(parameters.to(dtype))
        z = values.nan_to_num(0.0).to(dtype).clamp(-_FARTHEST, _FARTHEST).unsqueeze(2)
        distances = (z - means) * torch.exp(-log_scales)
        # log f(t) = -t - 2 softplus(-t); even in t, exact in both tails.
        densities = -distances - 2 * functional.softplus(-distances) - log_scales
        mixed: Tensor = torch.logsumexp(logits + densities, 2) - torch.logsumexp(logits, 2)
        return mixed - self._log_units.to(dtype)

    def sample(self, parameters: Tensor, noise: Tensor, temperature: float = 1.0) -> Tensor:
        """Draws a component with one uniform and its quantile with another; see `Head.sample`."""
        logits, means, log_scales = self._mixture(parameters.to(noise.dtype))
        which, where = noise.reshape(len(noise), len(self.columns), 2).unbind(2)
        drawn = choose(logits, which, temperature).unsqueeze(2)
        mean = means.gather(2, drawn).squeeze(2)
        scale = log_scales.gather(2, drawn).squeeze(2).exp() * temperature
        return (mean + scale * where.logit(_smallest(where))).clamp(-_FARTHEST, _FARTHEST)

    def _mixture(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns logits, means and log-scales, (batch, n, M) each, of units (batch, outputs)."""
        shape = (len(self.columns), 3, self._components)
        logits, means, raw = parameters.reshape(len(parameters), *shape).unbind(2)
        return logits, means, _LOG_SCALE_LIMIT * torch.tanh(raw / _LOG_SCALE_LIMIT)


def _smallest(noise: Tensor) -> float:
    """Returns how close to 0 and 1 uniforms of this dtype may come."""
    return torch.finfo(noise.dtype).eps / 2


@dataclass(frozen=True)
class Continuous(Column):
    """A column of numbers or instants, standardised.

    Attributes:
        shift: Mean of the training values, in original units.
        scale: Standard deviation of the training values, in original units; > 0.
        minimum: Smallest training value, in original units.
        maximum: Largest training value, in original units.
        components: Logistics in the mixture, M.
    """

    kind: ClassVar[str] = "continuous"
    discrete: ClassVar[bool] = False
    head_type: ClassVar[type[Head]] = ContinuousHead
    shift: float
    scale: float
    minimum: float
    maximum: float
    components: int = _COMPONENTS

    @property
    def inputs(self) -> int:
        """One unit: z."""
        return 1

    @property
    def outputs(self) -> int:
        """Logit, mean and raw log-scale of each component."""
        return 3 * self.components

    @property
    def noise(self) -> int:
        """Two uniforms: one for the component, one for the value."""
        return 2

    @property
    def evaluation_key(self) -> Hashable:
        """Columns with equally many components are evaluated together."""
        return (self.kind, self.components)

    @classmethod
    def fit(cls, name: str, array: pa.ChunkedArray | pa.Array) -> Self:
        """Learns mean, standard deviation and range; see `Column.fit`."""
        arrow_type = value_type(array.type)
        if family(arrow_type) not in (Family.NUMBER, Family.INSTANT):
            raise SchemaError(f"column {name!r} cannot be continuous: its type is {arrow_type}")
        values = to_numbers(name, array, arrow_type)
        known = values[~np.isnan(values)]
        if not known.size:
            raise SchemaError(f"column {name!r} holds no value to learn from")
        shift, scale = _moments(known)
        return cls(name, arrow_type, shift, scale, float(known.min()), float(known.max()))

    def encode(self, array: pa.ChunkedArray | pa.Array) -> Values:
        """Returns z, NaN where null; see `Column.encode`."""
        values = to_numbers(self.name, array, self.arrow_type)
        with np.errstate(over="ignore"):  # clipped just below
            z = (values - self.shift) / self.scale
        return np.clip(z, -_FARTHEST, _FARTHEST)

    def decode(self, values: Values) -> pa.Array:
        """Returns z * scale + shift, rounded and clipped to the type; see `Column.decode`."""
        with np.errstate(over="ignore"):
            return from_numbers(values * self.scale + self.shift, self.arrow_type)

    def initial_parameters(self, values: Values) -> Values:
        """Returns the mixture fitted to the codes by expectation-maximisation."""
        known = values[~np.isnan(values)]
        if not known.size:
            known = np.zeros(1)
        weights, means, scales = _fit_mixture(known, self.components)
        bound = _LOG_SCALE_LIMIT * 0.99
        log_scales = np.clip(np.log(scales), -bound, bound)
        raw = _LOG_SCALE_LIMIT * np.arctanh(log_scales / _LOG_SCALE_LIMIT)
        return np.concatenate([np.log(weights), means, raw])

    def learned(self) -> dict[str, Any]:
        """Returns range, mean, standard deviation and number of components."""
        return {
            "minimum": self._to_json(self.minimum),
            "maximum": self._to_json(self.maximum),
            "shift": self.shift,
            "scale": self.scale,
            "components": self.components,
        }

    def describe(self) -> dict[str, Any]:
        """Returns name, kind, type, range seen in training, example; the unit of instants."""
        return {
            "name": self.name,
            "kind": self.kind,
            "type": type_name(self.arrow_type),
            "minimum": self._to_json(self.minimum),
            "maximum": self._to_json(self.maximum),
            "example": self._example(),
        } | ({"unit": "s"} if family(self.arrow_type) is Family.INSTANT else {})

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads what `to_json` wrote; see `Column.from_json`."""
        arrow_type = record.arrow_type()
        if family(arrow_type) not in (Family.NUMBER, Family.INSTANT):
            raise record.wrong("arrow_type", "a type of numbers, dates or time stamps")
        minimum = _from_json(record, "minimum", arrow_type)
        maximum = _from_json(record, "maximum", arrow_type)
        if minimum > maximum:
            raise record.wrong("minimum", "no larger than 'maximum'")
        return cls(
            record.text("name"),
            arrow_type,
            record.number("shift"),
            record.number("scale", above=0),
            minimum,
            maximum,
            record.whole("components", above=0),
        )

    def _to_json(self, value: float) -> Value:
        """Returns a value in original units as a person would write it."""
        if family(self.arrow_type) is Family.INSTANT:
            text: str = (
                from_numbers(np.array([value]), self.arrow_type).cast(pa.string())[0].as_py()
            )
            return text
        return int(value) if is_integer(self.arrow_type) else value

    def _example(self) -> Value:
        """Returns a typical value, rounded to what a person would type."""
        if family(self.arrow_type) is Family.INSTANT or is_integer(self.arrow_type):
            return self._to_json(round(self.shift))
        digits = 2 - int(np.floor(np.log10(self.scale)))
        return min(max(round(self.shift, digits), self.minimum), self.maximum)


def _from_json(record: Record, field: str, arrow_type: pa.DataType) -> float:
    """Reads a value in original units."""
    if family(arrow_type) is not Family.INSTANT:
        return record.number(field)
    try:
        return float(to_numbers(field, pa.array([record.text(field)]), arrow_type)[0])
    except TableError:
        raise record.wrong(field, "a date or a time stamp such as 2024-01-31") from None


def _moments(values: Values) -> tuple[float, float]:
    """Returns mean and standard deviation, (rows,) to scalars; 1 where the deviation vanishes."""
    unit = float(np.abs(values).max()) or 1.0  # squares of the largest floats would overflow
    relative = values / unit
    shift = float(relative.mean()) * unit
    scale = float(relative.std()) * unit
    smallest = 16 * np.finfo(np.float64).eps * abs(shift)
    return shift, scale if scale > smallest else 1.0


def _fit_mixture(
    values: Values, components: int, iterations: int = 20
) -> tuple[Values, Values, Values]:
    """Fits a mixture of logistics to the marginal of one column.

    Expectation-maximisation from quantiles, with moments in the place of the logistic's own
    maximum-likelihood estimates: it starts the training, no more.

    Args:
        values: Standardised values, (rows,).
        components: Number of logistics, M.
        iterations: Steps of expectation-maximisation.

    Returns:
        Weights, means and scales, (M,) each.
    """
    grid = np.quantile(values, (np.arange(1024) + 0.5) / 1024)  # (1024,) stands for all rows
    means = np.quantile(values, (np.arange(components) + 0.5) / components)
    smallest = np.exp(-_LOG_SCALE_LIMIT) * 10
    scales = np.full(components, max(np.std(grid) / components, smallest))
    weights = np.full(components, 1 / components)
    for _ in range(iterations):
        t = np.abs(grid[:, None] - means) / scales
        logs = np.log(weights) - np.log(scales) - t - 2 * np.log1p(np.exp(-t))
        shares = np.exp(logs - logs.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        mass = shares.sum(0) + 1e-9
        weights = mass / mass.sum()
        means = (shares * grid[:, None]).sum(0) / mass
        variances = (shares * (grid[:, None] - means) ** 2).sum(0) / mass
        scales = np.maximum(np.sqrt(3 * variances) / np.pi, smallest)
    return weights, means, scales

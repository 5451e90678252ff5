"""The arithmetic of integer, continuous and datetime columns; see `columns/numeric.py`."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from madeira.models.columns.base import Head
from madeira.models.columns.choice import MIN_TEMPERATURE, choose
from madeira.models.columns.mixture import MAX_LOG_SCALE
from madeira.models.columns.numeric import SCALAR_UNITS, Numeric
from madeira.models.columns.transform import stack, transform, untransform
from madeira.models.columns.truncation import log_mass_between, quantile_between

__all__ = ["MAX_FEATURE", "MAX_POINT", "MAX_SCALES_OUTSIDE", "NumericHead"]

MAX_POINT = 1e6
"""Points of the mixture's scale are clipped to it, so that likelihoods stay finite."""

MAX_FEATURE = 8.0
"""Standard deviations of T(code) that the network tells apart."""

MAX_SCALES_OUTSIDE = 30.0
"""Scales from the support beyond which a mean makes no difference: what is inside is a part of an
exponential to 13 digits, and it has its logarithm."""


class NumericHead(Head):
    """Conditionals of n numeric columns with M logistics each and any number of atoms.

    The input units of a column are T(code), clipped, tanh(2 (T(code) - c)) for c = -1, 0, 1, for
    each atom whether the value is it, and whether it is none of them. What is no number has an atom
    alone.
    Its output units are those of `madeira.models.columns.mixture`; they are gathered into a block
    (n, 3 M + A), A the largest number of atoms, whose padding has no mass. A logistic is cut to
    the support; a mean that lies more than 30 scales outside counts as if it were there.
    """

    def __init__(self, columns: Sequence[Numeric]) -> None:
        super().__init__(columns)
        self._components = columns[0].components
        self._transforms = stack([column.transform for column in columns])
        atoms = [torch.as_tensor(column.outcome_codes) for column in columns]
        counts = torch.tensor([len(codes) for codes in atoms])
        most = int(counts.max())
        places = torch.arange(most)
        self._padding = places >= counts[:, None]  # (n, A)
        values = torch.tensor([len(column.atoms) for column in columns])
        outside = torch.tensor([column.support.bounded for column in columns])
        self._special = (places >= values[:, None]) & ~self._padding
        self._undrawn = self._padding | (outside[:, None] & (places == counts[:, None] - 1))
        self._has_special, self._bounded = bool(self._special.any()), bool(outside.any())
        self._atoms = torch.full((len(columns), most), torch.inf, dtype=torch.float64)
        for row, codes in zip(self._atoms, atoms, strict=True):
            row[: len(codes)] = codes
        ranges = [column.range_codes for column in columns]
        self._lowest, self._highest = torch.tensor(ranges, dtype=torch.float64).T
        ends = [column.range_points for column in columns]
        self._low, self._high = torch.tensor(ends, dtype=torch.float64).T
        ends = [column.support_points for column in columns]
        self._support_low, self._support_high = torch.tensor(ends, dtype=torch.float64).T
        ends = [column.support_codes for column in columns]
        self._support_lowest, self._support_highest = torch.tensor(ends, dtype=torch.float64).T
        self._last = self._components + counts - outside.long() - 1
        self._uniform = not self._padding.any()
        width = 3 * self._components
        offsets = (width + counts).cumsum(0) - counts - width
        units = torch.arange(width + most)
        missing = units >= (width + counts)[:, None]
        self._gathered = (offsets[:, None] + units).masked_fill(missing, 0).flatten()
        self._steps = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
        # Of (n, 4) places and (n, A + 1) hits in a row, which unit is which, columns in order.
        numbers = torch.arange(len(columns))[:, None]
        where = numbers * SCALAR_UNITS + torch.arange(SCALAR_UNITS)
        which = len(columns) * SCALAR_UNITS + numbers * (most + 1) + torch.arange(most + 1)
        none = torch.tensor([[column.one_hot] for column in columns])
        always = torch.ones_like(where, dtype=torch.bool)
        exists = torch.cat([always, ~self._padding, none], dim=1)
        self._units = torch.cat([where, which], dim=1)[exists]

    @abstractmethod
    def _log_smooth(self, codes: Tensor, means: Tensor, log_scales: Tensor) -> Tensor:
        """Return log f_m at codes, (batch, n) to (batch, n, M), in the dtype of `means`."""

    @abstractmethod
    def _settle(self, codes: Tensor) -> Tensor:
        """Return the values that drawn points of the line stand for, (batch, n)."""

    _atoms_alone: ClassVar[bool]
    """Whether the logistics have no mass at an atom."""

    def features(self, values: Tensor, observed: Tensor) -> Tensor:
        """Return T(code), steps of it, and which atom the value is; see `Head.features`."""
        points = transform(values, self._transforms).unsqueeze(2)
        steps = torch.tanh(2 * (points - self._steps))
        places = torch.cat([points.clamp(-MAX_FEATURE, MAX_FEATURE), steps], dim=2)
        shown = observed.unsqueeze(2)
        if not self._atoms.shape[1]:
            return places.masked_fill(~shown, 0.0).to(values.dtype).flatten(1)
        hits = self._hits(values)
        which = torch.cat([hits, ~hits.any(2, keepdim=True)], dim=2) & shown
        if self._has_special:
            shown = shown & ~(hits & self._special).any(2, keepdim=True)
        units = places.masked_fill(~shown, 0.0).to(values.dtype).flatten(1)
        joined = torch.cat([units, which.flatten(1).to(values.dtype)], dim=1)
        return joined.index_select(1, self._units)

    def log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Return log-masses, or log-densities in original units; see `Head.log_prob`."""
        dtype = torch.promote_types(parameters.dtype, torch.float32)
        logits, means, log_scales = self._mixture(parameters.to(dtype))
        codes = values.nan_to_num(0.0)
        hits = self._hits(codes)
        if self._has_special:
            special = (hits & self._special).any(2)
            codes = codes.masked_fill(special, 0.0)
        smooth = self._log_smooth(codes, means, log_scales)
        if self._bounded:
            smooth = smooth - self._log_supported(means, log_scales.exp())
        if self._atoms_alone:
            smooth = smooth.masked_fill(hits.any(2, keepdim=True), -torch.inf)
        elif self._has_special:
            smooth = smooth.masked_fill(special.unsqueeze(2), -torch.inf)
        spikes = torch.zeros_like(hits, dtype=dtype).masked_fill(~hits, -torch.inf)
        terms = logits + torch.cat([smooth, spikes], dim=2)
        return torch.logsumexp(terms, 2) - torch.logsumexp(logits, 2)

    def sample(
        self,
        parameters: Tensor,
        noise: Tensor,
        temperature: float = 1.0,
        within_range: bool = False,
    ) -> Tensor:
        """Draw logistic or atom with one uniform, a quantile with another; see `Head.sample`.

        Within the range a logistic counts by the share of its mass in the support that it has
        there, and gives a quantile of that part of it.
        """
        logits, means, log_scales = self._mixture(parameters.to(noise.dtype))
        each = self._components
        drawable = logits[:, :, each:].masked_fill(self._undrawn, -torch.inf)
        logits = torch.cat([logits[:, :, :each], drawable], dim=2)
        scales = log_scales.exp() * temperature
        which, where = noise.reshape(len(noise), len(self.columns), 2).unbind(2)
        low, high = self._support_low, self._support_high
        if within_range:
            low, high = self._low, self._high
            logits = logits / max(temperature, MIN_TEMPERATURE) + self._log_shares_inside(
                means, scales
            )
            drawn = choose(logits, which)
        else:
            drawn = choose(logits, which, temperature)
        drawn = drawn.minimum(self._last).unsqueeze(2)
        component = drawn.clamp(max=each - 1)
        mean = means.gather(2, component).squeeze(2)
        scale = scales.gather(2, component).squeeze(2)
        cut = within_range or self._bounded
        if cut:
            ends = (low - mean) / scale, (high - mean) / scale
            points = mean + scale * quantile_between(*ends, where)
            points = points.double().clamp(low, high)
        else:
            points = mean + scale * where.logit(_smallest(where))
        codes = untransform(points.clamp(-MAX_POINT, MAX_POINT), self._transforms)
        values = self._settle(codes).to(noise.dtype)
        if cut:  # what rounding put beyond the ends
            lowest = self._lowest if within_range else self._support_lowest
            highest = self._highest if within_range else self._support_highest
            values = values.clamp(lowest, highest).to(noise.dtype)
        if not self._atoms.shape[1]:
            return values
        atom = (drawn - each).clamp(min=0)
        spikes = self._atoms.expand(len(noise), -1, -1).gather(2, atom).squeeze(2)
        return torch.where(drawn.squeeze(2) < each, values, spikes.to(noise.dtype))

    def _log_shares_inside(self, means: Tensor, scales: Tensor) -> Tensor:
        """Return log-shares within the range, of logistics and atoms, (batch, n, M + A)."""
        means, scales = means.double(), scales.double()
        low, high = self._low.unsqueeze(1), self._high.unsqueeze(1)
        inside = log_mass_between((low - means) / scales, (high - means) / scales)
        if self._bounded:
            inside = inside - self._log_supported(means, scales)
        beyond = (self._atoms < self._lowest.unsqueeze(1)) | (
            self._atoms > self._highest.unsqueeze(1)
        )
        beyond = beyond & ~self._special
        atoms = torch.zeros_like(self._atoms).masked_fill(beyond, -torch.inf)
        return torch.cat([inside, atoms.expand(len(means), -1, -1)], dim=2)

    def _log_supported(self, means: Tensor, scales: Tensor) -> Tensor:
        """Return log-masses of the logistics in the support, in the dtype of `means`."""
        low = self._support_low.to(means.dtype).unsqueeze(1)
        high = self._support_high.to(means.dtype).unsqueeze(1)
        return log_mass_between((low - means) / scales, (high - means) / scales)

    def _hits(self, values: Tensor) -> Tensor:
        """Return which atom values are, (batch, n) to (batch, n, A) bool."""
        return values.unsqueeze(2) == self._atoms.to(values.dtype)

    def _mixture(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (batch, n, M + A), means and log-scales (batch, n, M) of all columns."""
        if not self._uniform:
            parameters = parameters.index_select(1, self._gathered)
        each, most = self._components, self._atoms.shape[1]
        block = parameters.reshape(len(parameters), len(self.columns), 3 * each + most)
        logits, means, raw, atoms = torch.split(block, [each, each, each, most], dim=2)
        if not self._uniform:
            atoms = atoms.masked_fill(self._padding, -torch.inf)
        log_scales = MAX_LOG_SCALE * torch.tanh(raw / MAX_LOG_SCALE)
        if self._bounded:
            margin = MAX_SCALES_OUTSIDE * log_scales.exp()
            low = self._support_low.to(means.dtype).unsqueeze(1) - margin
            high = self._support_high.to(means.dtype).unsqueeze(1) + margin
            means = means.maximum(low).minimum(high)
        return torch.cat([logits, atoms], dim=2), means, log_scales


def _smallest(noise: Tensor) -> float:
    """Return how close to 0 and 1 uniforms of this dtype may come."""
    return torch.finfo(noise.dtype).eps / 2

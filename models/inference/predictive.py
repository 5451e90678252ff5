"""The distribution of each missing variable given all that is observed of its row.

In the ordering that puts a variable right after the evidence, its conditional is given the
evidence and nothing else. The hidden units of degree up to m, the number of observed variables,
see the evidence alone, whichever missing variable stands at position m + 1. So the units are
computed once for a row, and give the conditionals of all its missing variables: one pass, no draw.

What is asked of a conditional, its most probable value, its quantiles, its mean, is computed from
its parameters: see `madeira.models.inference.summaries`.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from madeira.models.arrays import Float32, Float64, Int64
from madeira.models.columns.base import Column
from madeira.models.columns.kernels import kernel_of
from madeira.models.columns.kernels.numeric import RANGE, SUPPORT
from madeira.models.columns.layout import Layout
from madeira.models.columns.numeric import NULL_CODE, Numeric
from madeira.models.inference.noise import draw_noise
from madeira.models.inference.summaries import MEAN, MODE, NEITHER, numeric_summaries, probabilities
from madeira.models.inference.weights.sorted import SortedNetwork
from madeira.models.made.network import ACTIVATIONS

__all__ = ["Point", "Predictive", "drawn", "predictive_parameters", "read"]

Point = Literal["mean", "median", "mode"]

DRAWS = 256
MAX_COMPARED = 256


class Predictive(ABC):
    """The distributions of one variable in the rows that miss it.

    Attributes:
        variable: The variable.
        rows: The rows, shape `(cells,)`.
        size: Number of values of a discrete variable that can be drawn; 0 of a number.
    """

    def __init__(self, variable: int, rows: Int64, column: Column) -> None:
        self.variable = variable
        self.rows = rows
        unknown = column.unknown_code
        self.size = 0
        if column.discrete:
            self.size = 2 if unknown is None else int(unknown)

    @abstractmethod
    def most_probable(self) -> tuple[Float64, Float64]:
        """Of a discrete variable, the most probable value of each cell and its probability.

        The first code of several that are equally probable; `unknown` is never one.

        Returns:
            Codes and probabilities, each `(cells,)`.
        """

    @abstractmethod
    def probability(self, codes: Float64) -> Float64:
        """Of a discrete variable, how probable values are among all that can be drawn.

        Args:
            codes: One of each cell, `(cells,)`.

        Returns:
            Shape `(cells,)`.
        """

    def likeliest(self, count: int) -> tuple[Float64, Float64]:
        """Of a discrete variable, the most probable values of each cell, the first of them first.

        Where there are very many, the most probable alone.

        Args:
            count: How many are asked for.

        Returns:
            Codes and probabilities, each `(cells, at most count)`.
        """
        if self.size > MAX_COMPARED:
            code, probability = self.most_probable()
            return code[:, None], probability[:, None]
        codes = np.arange(self.size, dtype=np.float64)
        cells = len(self.rows)
        every = np.stack([self.probability(np.full(cells, code)) for code in codes], axis=1)
        best = np.argsort(-every, axis=1, kind="stable")[:, :count]
        return codes[best], np.take_along_axis(every, best, axis=1)

    @abstractmethod
    def quantiles(
        self, probabilities: tuple[float, ...], point: Point | None
    ) -> tuple[Float64, Float64]:
        """Of a number or an instant, quantiles and an estimate.

        Args:
            probabilities: In (0, 1).
            point: The mode of a grid is its most probable point. A continuum has none: it
                would change with the scale that the values are measured on, so the median is
                given.

        Returns:
            Quantiles, `(probabilities, cells)`, and estimates, `(cells,)`, NaN without `point`.
        """


@torch.inference_mode()
def predictive_parameters(
    network: SortedNetwork, layout: Layout, orders: Int64, values: Tensor
) -> Tensor:
    """Parameters of every variable's conditional given the observed values of each row.

    Args:
        network: Its units sorted by degree.
        layout: The variables.
        orders: The variable at each position; the observed variables come in it, the others
            after them, shape `(rows, variables)` or `(1, variables)`.
        values: Encoded values, NaN where missing, shape `(rows, variables)`.

    Returns:
        Shape `(rows, outputs)`; those of observed variables mean nothing.
    """
    observed = ~values.isnan()
    features = layout.features(values, observed).float()
    output = network.output_bias.expand(len(values), -1)
    if network.output_weight is not None:
        hidden = _first_layer(network, layout, orders, features, observed)
        activation = ACTIVATIONS[network.activation]  # type: ignore[index]
        degrees = [torch.as_tensor(each, device=values.device) for each in network.degrees]
        for layer in range(1, len(network.weights)):
            seen = degrees[layer][:, None] >= degrees[layer - 1]
            weight, bias = network.weights[layer] * seen, network.biases[layer]
            after = functional.linear(activation(hidden), weight, bias)
            hidden = hidden + after if network.residual else after
        known = degrees[-1] <= observed.sum(dim=1, keepdim=True)
        active = activation(hidden) * known
        output = functional.linear(active, network.output_weight, network.output_bias)
    if network.direct_weight is not None:
        output = torch.addmm(output, features, network.direct_weight.T)
    return output


def _first_layer(
    network: SortedNetwork,
    layout: Layout,
    orders: Int64,
    features: Tensor,
    observed: Tensor,
) -> Tensor:
    """Return the first hidden layer before its nonlinearity, `(rows, width)`, a degree at a time.

    Units of a degree beyond the number of observed variables see all of them, as those of that
    number do; no output looks at them.
    """
    order = torch.as_tensor(orders, device=features.device).expand(len(observed), -1)
    ranks = observed.gather(1, order).cumsum(dim=1)
    place = torch.empty_like(ranks).scatter_(1, order, ranks)
    place = place.masked_fill(~observed, layout.variables + 1)
    hidden = features.new_zeros(len(features), len(network.biases[0]))
    starts = network.starts[0]
    for degree in range(layout.variables):
        units = slice(int(starts[degree]), int(starts[degree + 1]))
        if units.start == units.stop:
            continue
        seen = place <= degree
        inputs = features * seen[:, layout.variable_of_input]
        bias = network.biases[0][units]
        hidden[:, units] = functional.linear(inputs, network.weights[0][units], bias)
        if network.conditioning_weight is not None:
            hidden[:, units] += seen.float() @ network.conditioning_weight[units].T
    return hidden


def read(
    layout: Layout,
    values: Float64,
    parameters: Float32,
    posterior: Float64,
    within_range: bool,
    first_row: int = 0,
) -> Iterator[Predictive]:
    """Yield the mixtures of some components' conditionals, one variable after the other.

    Args:
        layout: The variables.
        values: Encoded values, NaN where missing, shape `(rows, variables)`.
        parameters: All conditionals under each component, shape `(components, rows, outputs)`.
        posterior: Of the components, shape `(rows, components)`; rows sum to 1.
        within_range: Whether numbers are to lie between the ends seen in training.
        first_row: What the first row is called.

    Yields:
        Variables that are missing somewhere.
    """
    missing = np.isnan(values)
    for variable in np.flatnonzero(missing.any(axis=0)).tolist():
        rows = np.flatnonzero(missing[:, variable])
        outputs = layout.single(variable)[2]
        own = np.ascontiguousarray(parameters[:, rows, outputs].swapaxes(0, 1), np.float32)
        place = variable, rows + first_row
        yield _Conditionals(*place, layout, own, posterior[rows], within_range)


def drawn(
    values: Float64, layout: Layout, sample: Callable[[Float64, Float64], Float64]
) -> Iterator[Predictive]:
    """Estimate what `read` computes from draws: their frequencies, quantiles and means.

    Args:
        values: Encoded values, NaN where missing, shape `(rows, variables)`.
        layout: The variables.
        sample: Draws rows given their observed values, by uniforms `(rows, 1 + layout.noise)`.

    Yields:
        Variables that are missing somewhere.
    """
    noise = draw_noise(DRAWS, 1 + layout.noise, np.random.default_rng(0))
    missing = np.isnan(values)
    rows = np.flatnonzero(missing.any(axis=1))
    tables = np.stack([sample(values[rows], np.tile(each, (len(rows), 1))) for each in noise])
    for variable in np.flatnonzero(missing.any(axis=0)).tolist():
        mine = missing[rows, variable]
        yield _Draws(variable, rows[mine], layout, tables[:, mine, variable])


class _Conditionals(Predictive):
    """The exact conditionals of a variable, mixtures over components.

    Args:
        variable: The variable.
        rows: See `Predictive`.
        layout: The variables.
        parameters: Shape `(cells, components, outputs)`.
        posterior: Of the components, shape `(cells, components)`.
        within_range: Whether numbers are to lie between the ends seen in training.
    """

    def __init__(
        self,
        variable: int,
        rows: Int64,
        layout: Layout,
        parameters: Float32,
        posterior: Float64,
        within_range: bool,
    ) -> None:
        super().__init__(variable, rows, layout.columns[variable])
        self._column = layout.columns[variable]
        self._parameters, self._posterior = parameters, np.ascontiguousarray(posterior)
        self._within_range = within_range

    def most_probable(self) -> tuple[Float64, Float64]:
        codes = np.full(len(self.rows), np.nan)
        return codes, self._probabilities(codes)

    def probability(self, codes: Float64) -> Float64:
        return self._probabilities(np.array(codes, dtype=np.float64))

    def _probabilities(self, codes: Float64) -> Float64:
        """Of each code; the most probable one is put in the place of NaN."""
        kind, kernel = kernel_of(self._column)
        result = np.empty(len(codes))
        constants = kernel.constants(self._column)
        probabilities(kind, self._parameters, self._posterior, constants, self.size, codes, result)
        return result

    def quantiles(
        self, probabilities: tuple[float, ...], point: Point | None
    ) -> tuple[Float64, Float64]:
        column = self._column
        if not isinstance(column, Numeric):
            raise TypeError(f"column {column.name!r} is not numeric")
        cells, median = len(self.rows), point == "median" or (point == "mode" and not column.cell)
        wanted = np.array((*probabilities, 0.5) if median else probabilities)
        estimate = NEITHER if point is None or median else MEAN if point == "mean" else MODE
        quantiles, points = np.empty((len(wanted), cells)), np.full(cells, np.nan)
        constants = kernel_of(column)[1].constants(column)
        cut_at = RANGE if self._within_range else SUPPORT
        mixture = (self._parameters, self._posterior, constants, cut_at)
        numeric_summaries(column.cell, *mixture, wanted, estimate, quantiles, points)
        ends = quantiles[: len(probabilities)]
        return ends, quantiles[-1] if median else points


class _Draws(Predictive):
    """Draws of a variable, `(draws, cells)`, in the place of its distributions."""

    def __init__(self, variable: int, rows: Int64, layout: Layout, draws: Float64) -> None:
        column = layout.columns[variable]
        super().__init__(variable, rows, column)
        self._draws = draws
        self._on_grid = False
        if isinstance(column, Numeric):
            self._on_grid = column.cell > 0
            self._draws = np.where(draws == NULL_CODE, np.nan, draws)

    def most_probable(self) -> tuple[Float64, Float64]:
        codes = _most_frequent(self._draws)
        return codes, self.probability(codes)

    def probability(self, codes: Float64) -> Float64:
        return np.asarray((self._draws == codes).mean(axis=0))

    def quantiles(
        self, probabilities: tuple[float, ...], point: Point | None
    ) -> tuple[Float64, Float64]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of cells that were never a number
            ends = np.nanquantile(self._draws, probabilities, axis=0)
            if point == "mean":
                return ends, np.nanmean(self._draws, axis=0)
            if point is None:
                return ends, np.full(len(self.rows), np.nan)
            if point == "mode" and self._on_grid:
                return ends, _most_frequent(self._draws)
            return ends, np.nanmedian(self._draws, axis=0)


def _most_frequent(codes: Float64) -> Float64:
    """Return the most frequent code over the first axis; the smallest where several are.

    The length of the run that ends at each place of the sorted codes is counted along the axis.
    """
    ordered = np.sort(codes, axis=0)
    run = np.zeros(ordered.shape, dtype=np.int64)
    for table in range(1, len(ordered)):
        run[table] = np.where(ordered[table] == ordered[table - 1], run[table - 1] + 1, 0)
    longest: Float64 = np.take_along_axis(ordered, run.argmax(axis=0)[None], axis=0)[0]
    return longest

"""The distribution of each missing variable given all that is observed of its row.

In the ordering that puts a variable right after the evidence, its conditional is given the
evidence and nothing else. The hidden units of degree up to m, the number of observed variables,
see the evidence alone, whichever missing variable stands at position m + 1. So the units are
computed once for a row, and give the conditionals of all its missing variables: one pass, no draw.

A conditional is read at points that are spread evenly over its probability: a number's mean and
quantiles are those of the points. They are a fixed lattice (Roberts's generalisation of the golden
ratio, 2018; Korobov's rules), so that no answer depends on a seed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from models.columns.layout import Layout
from models.inference.noise import draw_noise
from models.made.by_degree import SortedNetwork
from models.made.network import ACTIVATIONS

__all__ = ["Predictive", "drawn", "lattice", "predictive_parameters", "read"]

Values = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MOST_POINTS, FEWEST_POINTS = 256, 64
POINTS_LIMIT_NUMBERS = 2**14  # of one cell: wide softmaxes are read at fewer points
READ_LIMIT_NUMBERS = 2**22
PLASTIC = 1.2207440846057596  # the root of x^4 = x + 1


@dataclass(frozen=True)
class Predictive:
    """The distributions of one variable in the rows that miss it.

    Attributes:
        variable: The variable.
        rows: The rows, shape `(cells,)`.
        points: Values spread evenly over each cell's probability, encoded, shape
            `(points, cells)`.
        probability: Of a value for each cell, `(cells,)`, its probability among all that can be
            drawn, shape `(cells,)`; for discrete variables.
    """

    variable: int
    rows: Integers
    points: Values
    probability: Callable[[Values], Values]


def lattice(points: int, dimensions: int) -> Values:
    """Points that fill a unit cube of at most three dimensions evenly, `(points, dimensions)`."""
    steps = PLASTIC ** -np.arange(1.0, dimensions + 1)
    filled: Values = (0.5 + np.arange(points)[:, None] * steps) % 1.0
    return filled


@torch.inference_mode()
def predictive_parameters(
    network: SortedNetwork, layout: Layout, positions: Integers, values: Tensor
) -> Tensor:
    """Parameters of every variable's conditional given what is observed of each row.

    Args:
        network: Its units sorted by degree.
        layout: The variables.
        positions: An ordering; the observed variables come in it, the others after them,
            shape `(variables,)`.
        values: Encoded values, NaN where missing, shape `(rows, variables)`.

    Returns:
        Shape `(rows, outputs)`; those of observed variables mean nothing.
    """
    observed = ~values.isnan()
    features = layout.features(values, observed).float()
    output = network.output_bias.expand(len(values), -1)
    if network.output_weight is not None:
        hidden = _first_layer(network, layout, positions, features, observed)
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
    positions: Integers,
    features: Tensor,
    observed: Tensor,
) -> Tensor:
    """The first hidden layer before its nonlinearity, `(rows, width)`, a degree at a time.

    Units of a degree beyond the number of observed variables see all of them, as those of that
    number do; no output looks at them.
    """
    order = torch.as_tensor(np.argsort(positions), device=features.device)
    place = torch.empty_like(observed, dtype=torch.long)
    place[:, order] = observed[:, order].cumsum(dim=1)
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


@torch.inference_mode()
def read(
    layout: Layout,
    values: Values,
    parameters: Tensor,
    posterior: Values,
    within_range: bool,
    first_row: int = 0,
) -> Iterator[Predictive]:
    """The mixtures of some components' conditionals, one variable after the other.

    Args:
        layout: The variables.
        values: Encoded values, NaN where missing, shape `(rows, variables)`.
        parameters: All conditionals under each component, shape `(components, rows, outputs)`.
        posterior: Of the components, shape `(rows, components)`; rows sum to 1.
        within_range: Whether amounts are to lie between the ends seen in training.
        first_row: What the first row is called.

    Yields:
        Variables that are missing somewhere.
    """
    missing = np.isnan(values)
    for variable in np.flatnonzero(missing.any(axis=0)):
        rows = np.flatnonzero(missing[:, variable])
        _, _, outputs, uniforms = layout.single(int(variable))
        own = parameters[:, torch.as_tensor(rows, device=layout.device), outputs]
        conditionals = _Conditionals(layout, int(variable), own, posterior[rows])
        points = conditionals.points(uniforms.stop - uniforms.start, within_range)
        yield Predictive(int(variable), rows + first_row, points, conditionals.probability)


def drawn(
    values: Values, layout: Layout, sample: Callable[[Values, Values], Values]
) -> Iterator[Predictive]:
    """What `read` gives, from draws: points are draws, and a probability is the share of them.

    Args:
        values: Encoded values, NaN where missing, shape `(rows, variables)`.
        layout: The variables.
        sample: Draws rows given what they have observed, by uniforms `(rows, 1 + layout.noise)`.

    Yields:
        Variables that are missing somewhere.
    """
    noise = draw_noise(MOST_POINTS, 1 + layout.noise, np.random.default_rng(0))
    missing = np.isnan(values)
    rows = np.flatnonzero(missing.any(axis=1))
    tables = np.stack([sample(values[rows], np.tile(each, (len(rows), 1))) for each in noise])
    for variable in np.flatnonzero(missing.any(axis=0)):
        mine = missing[rows, variable]
        points = tables[:, mine, variable]

        def share(codes: Values, points: Values = points) -> Values:
            return np.asarray((points == codes).mean(axis=0))

        yield Predictive(int(variable), rows[mine], points, share)


@dataclass(frozen=True)
class _Conditionals:
    """The conditional of one variable for some cells, a mixture over components.

    Attributes:
        layout: The variables.
        variable: The variable.
        parameters: Shape `(components, cells, outputs)`.
        posterior: Shape `(cells, components)`.
    """

    layout: Layout
    variable: int
    parameters: Tensor
    posterior: Values

    @torch.inference_mode()
    def points(self, uniforms: int, within_range: bool) -> Values:
        """Values spread evenly over the probability of each cell, `(points, cells)`."""
        head = self.layout.single(self.variable)[0]
        cells, width = self.parameters.shape[1:]
        count = int(np.clip(POINTS_LIMIT_NUMBERS // max(width, 1), FEWEST_POINTS, MOST_POINTS))
        places = lattice(count, 1 + uniforms)
        cumulative = np.cumsum(self.posterior, axis=1)
        cumulative[:, -1] = np.inf
        result = np.empty((count, cells))
        size = max(1, READ_LIMIT_NUMBERS // (count * max(width, 1)))
        device = self.layout.device
        for start in range(0, cells, size):
            some = np.arange(start, min(start + size, cells))
            chosen = (cumulative[some] >= places[:, :1, None]).argmax(axis=2)
            which = torch.as_tensor(chosen, device=device), torch.as_tensor(some, device=device)
            noise = torch.as_tensor(np.repeat(places[:, 1:], len(some), axis=0), device=device)
            chosen_parameters = self.parameters[which].flatten(0, 1)
            values = head.sample(chosen_parameters, noise, within_range=within_range)
            result[:, some] = values.cpu().numpy().reshape(count, len(some))
        return result

    def probability(self, codes: Values) -> Values:
        """Of a value for each cell, among those that can be drawn: `(cells,)` -> `(cells,)`."""
        mass, unknown = self._masses(codes), self.layout.columns[self.variable].unknown_code
        if unknown is not None:
            mass /= 1 - self._masses(np.full(len(codes), unknown))
        return np.asarray((self.posterior * mass).sum(axis=1))

    @torch.inference_mode()
    def _masses(self, codes: Values) -> Values:
        """Of a value for each cell, under each component: `(cells,)` -> `(cells, components)`."""
        head, layout = self.layout.single(self.variable)[0], self.layout
        given = torch.as_tensor(codes, dtype=layout.value_dtype, device=layout.device)[:, None]
        terms = [head.log_prob(each, given)[:, 0] for each in self.parameters]
        masses: Values = torch.stack(terms, dim=1).double().exp().cpu().numpy()
        return masses

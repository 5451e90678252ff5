"""Full passes of complete rows under one ordering, compiled.

Inputs, hidden units and outputs are sorted by position and degree, so that every masked matrix is
a staircase: a unit needs a prefix of the units before it. Rows go in tiles, four units and two rows
at a time. Products are those of the walk, so that what a row gives depends on no other row.
"""

from math import exp, log
from typing import NamedTuple

import numpy as np

from madeira.models.arrays import Float32, Float64, Int64
from madeira.models.columns.kernels import BINARY_NUMBER, features, log_prob
from madeira.models.columns.layout import Layout
from madeira.models.compiled import compiled, subroutine
from madeira.models.inference.walk.kernel_products import activate
from madeira.models.inference.walk.kernel_tables import (
    ACTIVATIONS,
    KernelLayout,
    filled_up,
    float32,
)
from madeira.models.inference.walk.vectors import dot, dots_4_1, dots_4_2, padded
from madeira.models.inference.weights.folded import FoldedNetwork

__all__ = ["PassWeights", "full_pass", "pass_weights"]


TILE_ROWS = 32
MAX_ODDS = 1e200  # of which the logarithm is taken, before they overflow


class PassWeights(NamedTuple):
    """A folded network, sorted.

    Attributes:
        layout: As for walks, with inputs and outputs where sorting has put them.
        order: The variable at each position, `(variables,)`.
        first: Weights of the first hidden layer, masked, `(width, inputs)`; the last dimension of
            all weights is filled up to a multiple of the lanes.
        hidden: Those of the others, `(layers - 1, widest, widest)`.
        biases: Hidden biases, `(layers, widest)`.
        widths: Units of each hidden layer, `(layers,)`.
        output: V, masked, `(outputs, widest)`; no columns without hidden layers.
        direct: A, masked, `(outputs, inputs)`, or no columns.
        output_bias: c, `(outputs,)`.
        lengths: How many columns the units of each matrix need, hidden layers, V and A one after
            the other, `(layers + 2, most units)`.
        activation: 0 relu, 1 softplus, 2 tanh.
        residual: Whether layers after the first add to the one before.
    """

    layout: KernelLayout
    order: Int64
    first: Float32
    hidden: Float32
    biases: Float32
    widths: Int64
    output: Float32
    direct: Float32
    output_bias: Float32
    lengths: Int64
    activation: int
    residual: bool


def pass_weights(folded: FoldedNetwork, layout: Layout, tables: KernelLayout) -> PassWeights:
    """Sort a folded network.

    Args:
        folded: The network, hidden units sorted by degree.
        layout: The variables.
        tables: The same for kernels.
    """
    positions = folded.mask.positions
    inputs = positions[layout.variable_of_input.cpu().numpy()].argsort(kind="stable")
    outputs = positions[layout.variable_of_output.cpu().numpy()].argsort(kind="stable")
    spans = tables.spans.copy()
    for start, order in ((1, inputs), (3, outputs)):
        sizes = spans[:, start + 1] - spans[:, start]
        filled = sizes > 0
        spans[filled, start] = order.argsort()[spans[filled, start]]
        spans[:, start + 1] = spans[:, start] + sizes
    layers = len(folded.hidden_weights)
    widths = np.array([len(bias) for bias in folded.hidden_biases], dtype=np.int64)
    widest = padded(max(widths.tolist(), default=0))
    first = (
        filled_up(folded.hidden_weights[0][:, inputs]) if layers else np.zeros((0, 0), np.float32)
    )
    hidden = np.zeros((max(layers - 1, 0), widest, widest), np.float32)
    biases = np.zeros((layers, widest), np.float32)
    for layer, weight in enumerate(folded.hidden_weights):
        biases[layer, : widths[layer]] = float32(folded.hidden_biases[layer])
        if layer > 0:
            hidden[layer - 1, : weight.shape[0], : weight.shape[1]] = float32(weight)
    nothing = np.zeros((len(outputs), 0), np.float32)
    output, direct = folded.output_weight, folded.direct_weight
    after = nothing if output is None else filled_up(output[outputs], widest)
    past = nothing if direct is None else filled_up(direct[outputs][:, inputs])
    lengths = np.zeros((layers + 2, max(widest, len(outputs))), np.int64)
    matrices = (*([first] if layers else []), *hidden, after, past)
    for row, matrix in zip(lengths, matrices, strict=True):
        row[: len(matrix)] = _lengths(matrix)
    return PassWeights(
        layout=KernelLayout(spans, tables.constants),
        order=np.argsort(positions),
        first=first,
        hidden=hidden,
        biases=biases,
        widths=widths,
        output=after,
        direct=past,
        output_bias=float32(folded.output_bias)[outputs],
        lengths=lengths,
        activation=ACTIVATIONS.index(folded.config.activation),
        residual=folded.config.residual,
    )


def _lengths(matrix: Float32) -> Int64:
    """Columns up to the last that is not zero, the same for every four rows: `(rows,)`."""
    ends = ((matrix != 0) * np.arange(1, matrix.shape[1] + 1)).max(axis=1, initial=0)
    for start in range(0, len(ends), 4):
        ends[start : start + 4] = ends[start : start + 4].max(initial=0)
    return np.array([padded(int(end)) for end in ends], dtype=np.int64)


@subroutine
def _add_products(
    weight: Float32, lengths: Int64, width: int, units: Float32, count: int, out: Float32
) -> None:
    """Add `units[:count] @ weight[:width].T` to `out`, of each row so many columns as it needs."""
    whole, even = width - width % 4, count - count % 2
    for k in range(0, whole, 4):
        four, length = (k, k + 1, k + 2, k + 3), lengths[k]
        for r in range(0, even, 2):
            au, av, aw, az, bu, bv, bw, bz = dots_4_2(weight, four, units, (r, r + 1), length)
            out[r, k] += au
            out[r, k + 1] += av
            out[r, k + 2] += aw
            out[r, k + 3] += az
            out[r + 1, k] += bu
            out[r + 1, k + 1] += bv
            out[r + 1, k + 2] += bw
            out[r + 1, k + 3] += bz
        for r in range(even, count):
            au, av, aw, az = dots_4_1(weight, four, units, (r,), length)
            out[r, k] += au
            out[r, k + 1] += av
            out[r, k + 2] += aw
            out[r, k + 3] += az
    for k in range(whole, width):
        for r in range(count):
            (au,) = dot(weight, (k,), units, (r,), lengths[k])
            out[r, k] += au


@compiled
def full_pass(weights: PassWeights, values: Float64, totals: Float64) -> None:
    """Compute the log-likelihood of complete rows.

    Args:
        weights: The network.
        values: Encoded values, `(rows, variables)`.
        totals: Receives nats, `(rows,)`.
    """
    spans, constants = weights.layout
    hidden, widths, outputs = weights.hidden, weights.widths, len(weights.output_bias)
    rows, variables = values.shape
    layers, widest = weights.biases.shape
    max_inputs = max_outputs = 1
    for d in range(variables):
        max_inputs = max(max_inputs, spans[d, 2] - spans[d, 1])
        max_outputs = max(max_outputs, spans[d, 4] - spans[d, 3])
    known = np.zeros((TILE_ROWS, max(weights.first.shape[1], weights.direct.shape[1])), np.float32)
    sums = np.zeros((2, TILE_ROWS, widest), np.float32)
    active = np.zeros((TILE_ROWS, widest), np.float32)
    output = np.zeros((TILE_ROWS, outputs), np.float32)
    feature = np.zeros(max_inputs, np.float32)
    parameters = np.zeros(max_outputs, np.float32)
    for top in range(0, rows, TILE_ROWS):
        count = min(TILE_ROWS, rows - top)
        for r in range(count if known.shape[1] else 0):
            for d in range(variables):
                size = spans[d, 2] - spans[d, 1]
                for j in range(size):
                    feature[j] = 0
                features(spans[d, 0], values[top + r, d], feature, constants, spans[d, 7])
                for j in range(size):
                    known[r, spans[d, 1] + j] = feature[j]
        for layer in range(layers):
            now, before = sums[layer % 2], sums[1 - layer % 2]
            for r in range(count):
                for k in range(widths[layer]):
                    now[r, k] = weights.biases[layer, k]
            weight = weights.first if layer == 0 else hidden[layer - 1]
            units = known if layer == 0 else active
            _add_products(weight, weights.lengths[layer], widths[layer], units, count, now)
            for r in range(count):
                if layer > 0 and weights.residual:
                    for k in range(widths[layer]):
                        now[r, k] += before[r, k]
                for k in range(widths[layer]):
                    active[r, k] = activate(weights.activation, now[r, k])
                for k in range(widths[layer], widest):
                    active[r, k] = 0
        for r in range(count):
            for o in range(outputs):
                output[r, o] = weights.output_bias[o]
        if weights.output.shape[1]:
            _add_products(weights.output, weights.lengths[layers], outputs, active, count, output)
        if weights.direct.shape[1]:
            _add_products(
                weights.direct, weights.lengths[layers + 1], outputs, known, count, output
            )
        for r in range(count):
            total, odds = 0.0, 1.0
            for d in weights.order:
                if spans[d, 0] == BINARY_NUMBER:  # one logarithm for many columns
                    logit = output[r, spans[d, 3]]
                    logit = logit if values[top + r, d] > 0.5 else -logit
                    total += min(logit, 0.0)
                    odds *= 1.0 + exp(-abs(logit))
                    if odds > MAX_ODDS:
                        total -= log(odds)
                        odds = 1.0
                    continue
                size = spans[d, 4] - spans[d, 3]
                for j in range(size):
                    parameters[j] = output[r, spans[d, 3] + j]
                total += log_prob(
                    spans[d, 0], parameters, size, values[top + r, d], constants, spans[d, 7]
                )
            totals[top + r] = total - log(odds)

"""Conditionals of missing variables given the evidence alone, compiled; see `predictive.py`.

Rows go in tiles. Units of every degree up to the largest number of observed variables in the tile
are computed, products between hidden layers for several rows at once; a row's outputs take those
units alone that its own evidence reaches. Products are those of the walk.
"""

import numpy as np

from madeira.models.arrays import Float32, Float64, Int64
from madeira.models.columns.kernels import features
from madeira.models.compiled import compiled
from madeira.models.inference.walk.kernel_products import activate, add_product
from madeira.models.inference.walk.kernel_tables import KernelLayout, KernelWeights
from madeira.models.inference.walk.vectors import fma, padded_length

__all__ = ["predict"]


@compiled
def predict(
    layout: KernelLayout,
    weights: KernelWeights,
    bias: Float32,
    conditioning: bool,
    orders: Int64,
    values: Float64,
    parameters: Float32,
    tile: int,
) -> None:
    """Parameters of every missing variable, given the observed values of its row.

    Args:
        layout: The variables.
        weights: The network.
        bias: Of the first layer, `(width,)`.
        conditioning: Whether the network has conditioning weights.
        orders: The variable at each position, observed ones first, `(rows, variables)`.
        values: Encoded values, NaN where missing, `(rows, variables)`.
        parameters: Receives those of missing variables, `(rows, outputs)`.
        tile: Rows that share weights in the processor's cache.
    """
    spans, constants = layout.spans, layout.constants
    starts, first, direct = weights.starts, weights.first, weights.direct
    rows, variables = values.shape
    layers, widest = weights.biases.shape
    last_layer, width = layers - 1, len(bias)
    conditioning_row = len(first) - variables
    inputs = max_inputs = 1
    for d in range(variables):
        inputs = max(inputs, spans[d, 2])
        max_inputs = max(max_inputs, spans[d, 2] - spans[d, 1])
    outputs = len(weights.output_bias)
    known = np.zeros((tile, padded_length(inputs)), np.float32)
    sums = np.zeros((2, max(widest, width), tile), np.float32)
    active = np.zeros((layers, tile, padded_length(max(widest, width))), np.float32)
    line = np.zeros(width, np.float32)
    feature = np.zeros(max_inputs, np.float32)
    counts = np.zeros(tile, np.int64)
    units = np.arange(max(widest, 1))
    picks = np.zeros(max(outputs, 1), np.int64)
    output = np.zeros((max(outputs, 1), tile), np.float32)
    for top in range(0, rows, tile):
        count = min(tile, rows - top)
        whole = min(count, 0)  # no literal, for which a product would be compiled anew
        most = 0
        for r in range(count):
            counts[r] = 0
            for d in range(variables):
                counts[r] += 0 if np.isnan(values[top + r, d]) else 1
            most = max(most, counts[r])
            for j in range(inputs):
                known[r, j] = 0
            end = starts[0, counts[r] + 1] if width else 0
            for k in range(width):
                line[k] = bias[k]
            for i in range(1, counts[r] + 1):
                d = orders[top + r, i - 1]
                size = spans[d, 2] - spans[d, 1]
                for j in range(size):
                    feature[j] = 0
                features(spans[d, 0], values[top + r, d], feature, constants, spans[d, 7])
                for j in range(size):
                    known[r, spans[d, 1] + j] = feature[j]
                    if feature[j] != 0 and width:
                        for k in range(starts[0, i], end):
                            line[k] = fma(feature[j], first[spans[d, 1] + j, k], line[k])
                if conditioning:
                    for k in range(starts[0, i], end):
                        line[k] += first[conditioning_row + d, k]
            for k in range(width):
                sums[0, k, r] = line[k]
                reached = k < end
                active[0, r, k] = activate(weights.activation, line[k]) if reached else 0.0
        for layer in range(1, layers):
            end = starts[layer, most + 1]
            now, before = sums[layer % 2], sums[1 - layer % 2]
            for k in range(end):
                for r in range(count):
                    now[k, r] = weights.biases[layer, k]
            add_product(
                weights.hidden[layer - 1],
                units,
                end,
                active[layer - 1],
                whole,
                count,
                padded_length(starts[layer - 1, most + 1]),
                now,
            )
            for k in range(end):
                for r in range(count):
                    if weights.residual:
                        now[k, r] += before[k, r]
                    reached = k < starts[layer, counts[r] + 1]
                    unit = activate(weights.activation, now[k, r]) if reached else np.float32(0.0)
                    active[layer, r, k] = unit
            for r in range(count):
                for k in range(end, widest):
                    active[layer, r, k] = 0
        for r in range(count):
            q = 0
            for d in range(variables):
                if np.isnan(values[top + r, d]):
                    for o in range(spans[d, 3], spans[d, 4]):
                        output[q, r] = weights.output_bias[o]
                        picks[q] = o
                        q += 1
            reach = padded_length(starts[last_layer, counts[r] + 1])
            add_product(weights.output, picks, q, active[last_layer], r, r + 1, reach, output)
            if direct.size:
                add_product(direct, picks, q, known, r, r + 1, direct.shape[1], output)
            for place in range(q):
                parameters[top + r, picks[place]] = output[place, r]

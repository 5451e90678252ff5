"""The walk of rows through their orderings, compiled.

Rows go in tiles, and a tile goes through the positions in blocks, as in a triangular solve by
blocks. At the start of a block everything that earlier positions give to its outputs and hidden
units is added by small matrix products shared by the rows of the tile; within the block each row
goes position by position; at its end what became known is added to all later units of the first
layer. Units are sorted by degree, so that every sum is over one contiguous range.

What a row gives does not depend on the rows beside it: whichever branch a tile takes, the numbers
of a row are added in one order.

    position i of row r:   d = orders[r, i]
        output   y = c_d + V_d g(a_L)[degrees < i] + A_d x      -> log-likelihood, or a draw
        input    a_1[degrees >= i] += W[:, d] x_d + U[:, d]
        hidden   a_l[degree i] = b_l + W_l g(a_{l-1})[degrees <= i]  (+ a_{l-1})
"""

import numpy as np

from madeira.models.arrays import Float32, Float64, Int64
from madeira.models.columns.kernels import draw, features, log_prob
from madeira.models.compiled import compiled
from madeira.models.inference.walk.kernel_products import activate, add_product, add_rows
from madeira.models.inference.walk.kernel_tables import KernelLayout, KernelWeights
from madeira.models.inference.walk.vectors import fma, padded_length

__all__ = ["walk"]


@compiled
def walk(
    layout: KernelLayout,
    weights: KernelWeights,
    first_bias: Float32,
    conditioning: bool,
    orders: Int64,
    stops: Int64,
    scored: bool,
    values: Float64,
    noise: Float64,
    temperature: float,
    within_range: bool,
    totals: Float64,
    kept: Float32,
    last_kept: bool,
    tile: int,
    block: int,
    widest_block: int,
) -> None:
    """Walk rows through their orderings.

    Args:
        layout: The variables.
        weights: The network.
        first_bias: Bias of the first layer, `(width,)`.
        conditioning: Whether the rows of U are added as variables become known; not where
            `first_bias` holds them.
        orders: The variable at each position, `(rows, variables)`, or `(1, variables)` where
            all rows share it.
        stops: Number of positions to walk, `(rows,)`.
        scored: Whether observed values are scored; otherwise they are taken as they are.
        values: Encoded values, NaN to be drawn, `(rows, variables)`; draws are put in.
        noise: Uniforms, `(rows, noise)`; not read where nothing is drawn.
        temperature: Of the draws.
        within_range: Whether numbers are drawn between the ends seen in training.
        totals: Log-likelihood of all values scored, and of the last of them, `(rows, 2)`.
        kept: Receives the parameters of the conditionals of scored values, `(rows, outputs)`; no
            rows where they are not wanted.
        last_kept: Whether those of the last value alone are, `(rows, at least most outputs)`.
        tile: Rows that share weights in the processor's cache.
        block: Positions in a block.
        widest_block: Outputs that a block has at most.
    """
    spans, constants = layout.spans, layout.constants
    starts, first, output_weight = weights.starts, weights.first, weights.output
    direct, residual, activation = weights.direct, weights.residual, weights.activation
    hidden, biases, output_bias = weights.hidden, weights.biases, weights.output_bias
    rows, variables = values.shape
    layers, widest = biases.shape
    width = len(first_bias)
    inputs = 0
    for d in range(variables):
        inputs = max(inputs, spans[d, 2] if direct.size else 0)
    conditioning_row = len(first) - variables
    one_order = len(orders) == 1
    last_layer = layers - 1

    max_inputs = max_outputs = most_noise = 1
    for d in range(variables):
        max_inputs = max(max_inputs, spans[d, 2] - spans[d, 1])
        max_outputs = max(max_outputs, spans[d, 4] - spans[d, 3])
        most_noise = max(most_noise, spans[d, 6] - spans[d, 5])
    most_units = 1
    for begin in range(0, variables + 1, block):
        end = min(begin + block, variables + 1)
        for layer in range(layers):
            most_units = max(most_units, starts[layer, end] - starts[layer, begin])
    capacity = block * (max_inputs + 1)

    # Whole rows: what earlier blocks gave.
    before = np.empty((tile, width), np.float32)
    active = np.zeros((layers, tile, padded_length(widest)), np.float32)
    known = np.zeros((tile, padded_length(inputs)), np.float32)
    # The units of one block, rows side by side.
    sums = np.zeros((layers, most_units, tile), np.float32)
    acts = np.zeros((layers, most_units, tile), np.float32)
    output = np.zeros((widest_block, tile), np.float32)
    picks = np.empty((tile, widest_block), np.int64)
    counts = np.zeros(tile, np.int64)
    cursor = np.zeros(tile, np.int64)
    which = np.empty((tile, capacity), np.int64)
    factors = np.empty((tile, capacity), np.float32)
    pairs = np.zeros(tile, np.int64)
    units = np.empty(most_units, np.int64)
    parameters = np.empty(max_outputs, np.float32)
    feature = np.zeros(max_inputs, np.float32)
    uniforms = np.empty(most_noise, np.float64)
    column = np.zeros(tile, np.float32)
    zero = np.float32(0.0)

    for top in range(0, rows, tile):
        count = min(tile, rows - top)
        whole = min(count, 0)  # no literal, for which a product would be compiled anew
        furthest = 0
        shared = True  # whether all rows of the tile do the same at every position
        for r in range(count):
            shared &= stops[top + r] == stops[top]
            for i in range(variables):
                shared &= one_order or orders[top + r, i] == orders[top, i]
                shared &= scored or np.isnan(values[top + r, i]) == np.isnan(values[top, i])
            furthest = max(furthest, stops[top + r])
            for k in range(width):
                before[r, k] = first_bias[k]
            for j in range(inputs):
                known[r, j] = 0
            for layer in range(layers):  # a product reads beyond what is known, up to a multiple
                for k in range(widest):
                    active[layer, r, k] = 0
        for begin in range(0, furthest + 1, block):
            end = min(begin + block, variables + 1)
            reach = starts[last_layer, begin]

            # Which outputs each row needs in this block, and what earlier blocks give them.
            for r in range(1 if shared else count):
                q = 0
                for i in range(max(begin, 1), min(end, stops[top + r] + 1)):
                    d = orders[0 if one_order else top + r, i - 1]
                    if scored or np.isnan(values[top + r, d]):
                        for o in range(spans[d, 3], spans[d, 4]):
                            picks[r, q] = o
                            q += 1
                counts[r] = q
                low, high = (whole, count) if shared else (r, r + 1)
                for q in range(counts[r]):
                    for mine in range(low, high):
                        output[q, mine] = output_bias[picks[r, q]]
                add_product(
                    output_weight,
                    picks[r],
                    counts[r],
                    active[last_layer],
                    low,
                    high,
                    padded_length(reach),
                    output,
                )
                if inputs:
                    add_product(
                        direct, picks[r], counts[r], known, low, high, known.shape[1], output
                    )
            for layer in range(layers):
                low, high = starts[layer, begin], starts[layer, end]
                if layer == 0:
                    for k in range(low, high):
                        for r in range(count):
                            sums[0, k - low, r] = before[r, k]
                else:
                    for k in range(low, high):
                        units[k - low] = k
                        for r in range(count):
                            sums[layer, k - low, r] = biases[layer, k]
                    add_product(
                        hidden[layer - 1],
                        units,
                        high - low,
                        active[layer - 1],
                        whole,
                        count,
                        padded_length(starts[layer - 1, begin]),
                        sums[layer],
                    )

            # Position by position.
            for r in range(count):
                cursor[r] = 0
                pairs[r] = 0
            place = 0
            for i in range(begin, min(end, furthest + 1)):
                now = starts[last_layer, i]
                together = False  # whether all rows add the same column of the first layer
                if i > 0 and shared:
                    d = orders[0 if one_order else top, i - 1]
                    together = spans[d, 2] - spans[d, 1] == 1
                    if scored or np.isnan(values[top, d]):
                        for o in range(spans[d, 3], spans[d, 4]):
                            for e in range(now - reach):
                                factor = output_weight[o, reach + e]
                                for r in range(count):
                                    unit = acts[last_layer, e, r]
                                    output[place, r] = fma(factor, unit, output[place, r])
                            place += 1
                for r in range(count):
                    row = top + r
                    if i == 0 or i > stops[row]:
                        continue
                    d = orders[0 if one_order else row, i - 1]
                    kind, own = spans[d, 0], spans[d, 7]
                    value = values[row, d]
                    missing = np.isnan(value)
                    if scored or missing:
                        q, o = cursor[r], spans[d, 3]
                        size = spans[d, 4] - o
                        cursor[r] = q + size
                        for j in range(size):
                            y = output[q + j, r]
                            if not shared:
                                for e in range(now - reach):
                                    factor = output_weight[o + j, reach + e]
                                    y = fma(factor, acts[last_layer, e, r], y)
                            if inputs:
                                for p in range(pairs[r]):
                                    if which[r, p] < inputs:
                                        y = fma(factors[r, p], direct[o + j, which[r, p]], y)
                            parameters[j] = y
                        if missing:
                            for j in range(spans[d, 6] - spans[d, 5]):
                                uniforms[j] = noise[row, spans[d, 5] + j]
                            value = draw(
                                kind,
                                parameters,
                                size,
                                uniforms,
                                temperature,
                                within_range,
                                constants,
                                own,
                            )
                            values[row, d] = value
                        else:
                            if len(kept) and not last_kept:
                                for j in range(size):
                                    kept[row, o + j] = parameters[j]
                            elif len(kept) and i == stops[row]:
                                for j in range(size):
                                    kept[row, j] = parameters[j]
                            term = log_prob(kind, parameters, size, value, constants, own)
                            totals[row, 0] += term
                            totals[row, 1] = term
                    if i == stops[row]:
                        continue
                    fresh = pairs[r]
                    added = fresh
                    size = spans[d, 2] - spans[d, 1]
                    for j in range(size):
                        feature[j] = 0
                    features(kind, value, feature, constants, own)
                    for j in range(size):  # without a branch, which no predictor would foresee
                        which[r, added] = spans[d, 1] + j
                        factors[r, added] = feature[j]
                        added += feature[j] != 0
                    if conditioning:
                        which[r, added] = conditioning_row + d
                        factors[r, added] = 1
                        added += 1
                    pairs[r] = added
                    if together:
                        column[r] = feature[0]
                        continue
                    low = starts[0, begin]
                    for p in range(fresh, added):
                        factor = factors[r, p]
                        for k in range(starts[0, i], starts[0, end]):
                            sums[0, k - low, r] = fma(
                                factor, first[which[r, p], k], sums[0, k - low, r]
                            )
                if together and i < furthest:
                    d = orders[0 if one_order else top, i - 1]
                    low = starts[0, begin]
                    for k in range(starts[0, i], starts[0, end]):
                        factor = first[spans[d, 1], k]
                        constant = first[conditioning_row + d, k] if conditioning else zero
                        for r in range(count):
                            sums[0, k - low, r] = fma(factor, column[r], sums[0, k - low, r])
                            sums[0, k - low, r] += constant
                # The hidden units of degree i.
                for layer in range(layers):
                    low = starts[layer, begin]
                    for k in range(starts[layer, i] - low, starts[layer, i + 1] - low):
                        if layer > 0:
                            lower = starts[layer - 1, begin]
                            for e in range(starts[layer - 1, i + 1] - lower):
                                factor = hidden[layer - 1, low + k, lower + e]
                                for r in range(count):
                                    unit = acts[layer - 1, e, r]
                                    sums[layer, k, r] = fma(factor, unit, sums[layer, k, r])
                            if residual:
                                for r in range(count):
                                    sums[layer, k, r] += sums[layer - 1, k, r]
                        for r in range(count):
                            acts[layer, k, r] = activate(activation, sums[layer, k, r])

            # Copy the units of the block into whole rows.
            for layer in range(layers):
                low, high = starts[layer, begin], starts[layer, end]
                for r in range(count):
                    for k in range(high - low):
                        active[layer, r, low + k] = acts[layer, k, r]
            for r in range(count):
                for p in range(pairs[r]):
                    if which[r, p] < inputs:
                        known[r, which[r, p]] = factors[r, p]
                add_rows(first, which[r], factors[r], pairs[r], before[r], starts[0, end])

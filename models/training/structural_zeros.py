"""Direct weights that start from what never occurs together.

Columns often repeat each other: a code and its label, a city and its country. Pairs of values then
exist that no row has, although each value is common: structural zeros of the contingency table
(Bishop, Fienberg, Holland, *Discrete Multivariate Analysis*, 1975, chapter 5). A softmax learns
them slowly, since its gradient vanishes with the probability, and in a table of a few hundred rows
training stops before it has. A direct weight from one value to the logit of the other says it at
once, in every ordering:

    A[t, s] = log(1/2) - log(n),   n the rows that speak for it

n is the number of rows that independence would give the pair. Where one column fixes the other it
is all rows that both have. Training goes on from there.
"""

from itertools import permutations

import numpy as np
import torch

from madeira.models.arrays import Bool, Float32, Float64
from madeira.models.columns.layout import Layout

__all__ = ["structural_zeros"]

MIN_EXPECTED_ROWS = 10.0
"""Fewer rows than that are missing by chance too often, among thousands of pairs of values."""

RULE_SHARE = 0.999
"""Share of the rows in which one column must fix the other."""

MIN_STATE_ROWS = 5
"""Rows that each of two values needs for a column to count as varying."""

ROWS_AT_ONCE = 8_192


def structural_zeros(layout: Layout, values: Float64) -> Float32:
    """Direct weights for the pairs of values that no row has; 0 for all others.

    Args:
        layout: The variables.
        values: Encoded training rows, NaN where missing, shape `(rows, variables)`.

    Returns:
        Shape `(outputs, inputs)`.
    """
    together, of_input, of_outcome, rows = _counts(layout.to("cpu"), values)
    outputs = layout.outputs
    variable_of_input = layout.variable_of_input.numpy()
    variable_of_output = layout.variable_of_output.numpy()
    weights = np.zeros((outputs, layout.inputs), dtype=np.float32)
    for before, after in permutations(range(layout.variables), 2):
        inputs = np.flatnonzero(variable_of_input == before)
        units = np.flatnonzero(variable_of_output == after)
        both = rows[before, after]
        if both < MIN_EXPECTED_ROWS or not len(units):
            continue
        outcomes = np.concatenate([units, outputs + units])  # raised logits, and lowered ones
        seen = together[np.ix_(inputs, outcomes)]
        states, ends = of_input[inputs, after], of_outcome[before, outcomes]
        evidence = np.outer(states, ends) / both
        evidence[evidence < MIN_EXPECTED_ROWS] = 0.0
        if _one_fixes_the_other(seen, states, ends, both):
            evidence = np.where(np.outer(states, ends) > 0, both, 0.0)
        zero = (seen == 0) & (evidence > 0)
        start = np.where(zero, np.log(0.5) - np.log(np.where(zero, evidence, 1.0)), 0.0)
        weights[np.ix_(units, inputs)] = (start[:, : len(units)] - start[:, len(units) :]).T
    return weights[layout.choices]


def _one_fixes_the_other(seen: Float64, states: Float64, ends: Float64, both: float) -> bool:
    """Whether the states of one column cover its rows, and nearly all rows of each share an end.

    Args:
        seen: Rows of each pair, `(states, ends)`.
        states: Rows of each state, `(states,)`; one alone stands against its absence.
        ends: Rows of each end, `(ends,)`.
        both: Rows in which both columns are observed.
    """
    if len(states) == 1:
        seen = np.concatenate([seen, ends - seen])
        states = np.append(states, both - states)
    varies = (states >= MIN_STATE_ROWS).sum() > 1 and (ends >= MIN_STATE_ROWS).sum() > 1
    fixed = max(seen.max(axis=1).sum(), seen.max(axis=0).sum())
    return bool(varies and fixed >= RULE_SHARE * both)


def _counts(layout: Layout, values: Float64) -> tuple[Float64, Float64, Float64, Float64]:
    """Count rows of input units that are 0 or 1, of outcomes, and of pairs of them.

    Returns:
        Rows in which both hold, `(inputs, 2 outputs)`; rows of each input unit in which another
        variable is observed, `(inputs, variables)`; of each outcome alike, `(variables, 2
        outputs)`; and rows in which two variables are observed, `(variables, variables)`.
        An outcome's first half is for logits that it raises, its second for those it lowers.
    """
    variables, inputs, outputs = layout.variables, layout.inputs, layout.outputs
    together = np.zeros((inputs, 2 * outputs))
    of_input, of_outcome = np.zeros((inputs, variables)), np.zeros((variables, 2 * outputs))
    rows = np.zeros((variables, variables))
    indicates: Bool = np.ones(inputs, dtype=bool)
    owner = layout.variable_of_output.numpy()
    alone = np.bincount(owner, minlength=variables) == 1  # one logit: the other value lowers it
    for start in range(0, len(values), ROWS_AT_ONCE):
        part = values[start : start + ROWS_AT_ONCE]
        observed = ~np.isnan(part)
        codes = torch.as_tensor(part, dtype=layout.value_dtype)
        features = layout.features(codes, torch.as_tensor(observed)).numpy().astype(np.float32)
        indicates &= ((features == 0) | (features == 1)).all(axis=0)
        raised = layout.outcomes(part)
        lowered = observed[:, owner] & ~raised & alone[owner]
        outcomes = np.concatenate([raised, lowered], axis=1).astype(np.float32)
        known = observed.astype(np.float32)
        together += features.T @ outcomes
        of_input += features.T @ known
        of_outcome += known.T @ outcomes
        rows += known.T @ known
    of_input[~indicates] = 0.0
    together[~indicates] = 0.0
    return together, of_input, of_outcome, rows

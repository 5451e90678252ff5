r"""Codes among whole numbers: does the size of a number say anything of the rest of its row?

Where it does, rows of a number v are like those of the numbers beside it: what they hold of
another column y is predicted better by shrinking the counts of v towards its neighbours than
towards all rows,

    p(y | v) = (n_vy + m q_vy) / (n_v + m),    q: mean of two neighbours on either side, or of all

with m the best of a few. Both are compared by the log-likelihood of held-out rows, summed over the
other columns: the evidence of an empirical Bayes choice between two priors.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.values.arrow_types import Family, family
from madeira.models.values.numbers import decoded

__all__ = ["codes_gain"]

_MAX_ROWS = 20_000
_MAX_OTHERS = 24
_BINS = 6
_STRENGTHS = (3.0, 30.0, 300.0)
_NEIGHBOURS = 2


def codes_gain(name: str, table: pa.Table) -> tuple[float, float]:
    """Return how much likelier held-out rows are if numbers are codes, and its standard error.

    Args:
        name: A column of whole numbers that repeat.
        table: Training rows.

    Returns:
        Nats a row, positive where codes fit better.
    """
    others = [each for each in table.column_names if each != name][:_MAX_OTHERS]
    rows = np.linspace(0, table.num_rows - 1, min(table.num_rows, _MAX_ROWS)).astype(np.int64)
    table = table.select([name, *others]).take(rows)
    known = table[name].is_valid().to_numpy(zero_copy_only=False)
    own = pc.rank(decoded(table[name]).drop_null(), tiebreaker="dense").to_numpy() - 1
    held_out = np.random.default_rng(0).permutation(len(own)) < len(own) // 3
    gains = np.zeros(int(held_out.sum()))
    for other in others:
        answer = _binned(table[other].filter(pa.array(known)))
        if answer is not None:
            gains += _gain(own, answer, held_out)
    return float(gains.mean()), float(gains.std() / np.sqrt(max(1, gains.size)))


def _gain(own: Int64, answer: Int64, held_out: Bool) -> Float64:
    """Return by held-out row the log-likelihood of codes less that of amounts, (held_out,)."""
    counts = np.zeros((own.max() + 1, answer.max() + 1))
    np.add.at(counts, (own[~held_out], answer[~held_out]), 1.0)
    whole = (counts.sum(0) + 0.5) / (counts.sum() + 0.5 * counts.shape[1])
    near = np.zeros_like(counts)
    for step in range(1, _NEIGHBOURS + 1):
        near[step:] += counts[:-step]
        near[:-step] += counts[step:]
    beside = (near + 3.0 * whole) / (near.sum(1, keepdims=True) + 3.0)
    cells = own[held_out], answer[held_out]
    best = [
        max((_log_likelihood(counts, prior, m)[cells] for m in _STRENGTHS), key=np.sum)
        for prior in (np.broadcast_to(whole, counts.shape), beside)
    ]
    return np.asarray(best[0] - best[1])


def _log_likelihood(counts: Float64, prior: Float64, strength: float) -> Float64:
    shrunk = (counts + strength * prior) / (counts.sum(1, keepdims=True) + strength)
    return np.asarray(np.log(shrunk))


def _binned(column: pa.ChunkedArray) -> Int64 | None:
    """Return the few outcomes of another column, (rows,): numbers in bins, null apart."""
    values = decoded(column)
    which = family(values.type)
    if which is Family.NUMBER:
        numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        finite = numbers[np.isfinite(numbers)]
        if not finite.size:
            return None
        ends = np.unique(np.quantile(finite, np.arange(1, _BINS) / _BINS))
        return np.where(np.isnan(numbers), len(ends) + 1, np.searchsorted(ends, numbers))
    if which not in (Family.TEXT, Family.BOOLEAN):
        return None
    codes = values.dictionary_encode()
    if len(codes.dictionary) > 50:
        return None
    return np.asarray(codes.indices.fill_null(len(codes.dictionary)).to_numpy(), np.int64)

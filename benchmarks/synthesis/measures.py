"""All measures of the synthetic rows of one tool, kept beside them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.synthesis.tables import Split
from benchmarks.synthesis.two_sample import two_sample_score
from benchmarks.synthesis.usefulness import usefulness
from madeira.models.arrays import Bool
from madeira.models.evaluation import closest_record_share, column_pair_trends, column_shapes

__all__ = ["measure", "measured", "of_real_rows"]


def measure(synthetic: pa.Table, split: Split, target: str, seed: int = 0) -> dict[str, float]:
    """How good synthetic rows are.

    Args:
        synthetic: Rows drawn from a model of `split.train`.
        split: Rows that the model has seen, and rows that it has not.
        target: Column that usefulness is measured by.
        seed: Seed of what is drawn or trained in measuring.

    Returns:
        The measures by name: `two_sample` against the training rows, `two_sample_held_out`
        against the others, `shapes`, `trends`, `useful` and `useful_real` (learned from
        synthetic and from training rows), `closest_share`; and of `nulls_and_ranges`.
    """
    return {
        "two_sample": two_sample_score(split.train, synthetic, seed),
        "two_sample_held_out": two_sample_score(split.test, synthetic, seed),
        "shapes": float(np.nanmean([*column_shapes(split.train, synthetic).values()])),
        "trends": float(np.nanmean([*column_pair_trends(split.train, synthetic).values()])),
        "useful": usefulness(synthetic, split.test, target, seed),
        "useful_real": usefulness(split.train, split.test, target, seed),
        "closest_share": closest_record_share(synthetic, split.train, split.test, seed=seed),
        **nulls_and_ranges(synthetic, split),
    }


def nulls_and_ranges(synthetic: pa.Table, split: Split) -> dict[str, float]:
    """How synthetic rows compare with real ones in their nulls and in the ends of their numbers.

    Args:
        synthetic: Rows drawn from a model of `split.train`.
        split: Rows that the model has seen, and rows that it has not.

    Returns:
        `null_share`, the largest difference of the share of nulls of a column from that of the
        held-out rows, and `null_pairs`, of the share of rows null in two columns at once; without
        them where no row has nulls. `outside`, the share of rows with a number that is beyond
        all real ones.
    """
    names = split.train.column_names
    real, drawn = (_nulls(table, names) for table in (split.test, synthetic))
    outside = np.zeros(len(drawn), dtype=bool)
    for place, name in enumerate(names):
        column = synthetic[name].combine_chunks()
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            continue
        ends = [pc.min_max(part[name]).as_py() for part in (split.train, split.test)]
        low = min(end["min"] for end in ends if end["min"] is not None)
        high = max(end["max"] for end in ends if end["max"] is not None)
        beyond = pc.or_(pc.less(column, low), pc.greater(column, high))
        outside |= pc.fill_null(beyond, False).to_numpy(zero_copy_only=False) & ~drawn[:, place]
    found = {"outside": float(outside.mean())}
    if real.any():
        found["null_share"] = float(np.abs(real.mean(0) - drawn.mean(0)).max())
        pairs = [part.T.astype(float) @ part / len(part) for part in (real, drawn)]
        found["null_pairs"] = float(np.abs(pairs[0] - pairs[1]).max())
    return found


def _nulls(table: pa.Table, names: Sequence[str]) -> Bool:
    """Which cells are null, (rows, columns)."""
    return np.stack([pc.is_null(table[name]).to_numpy() for name in names], axis=1)


def of_real_rows(split: Split) -> dict[str, float]:
    """Return `trends_real`, `shapes_real` and more, the measures of real rows as if synthetic.

    No honest model can be expected to come nearer. `two_sample_held_out_real` is that of training
    rows against held-out ones.
    """
    return {
        "two_sample_held_out_real": two_sample_score(split.test, split.train),
        "shapes_real": float(np.nanmean([*column_shapes(split.train, split.test).values()])),
        "trends_real": float(np.nanmean([*column_pair_trends(split.train, split.test).values()])),
    }


def measured(
    synthetic: pa.Table, split: Split, target: str, kept: Path, seed: int = 0
) -> dict[str, float]:
    """Return the measures of `measure`, taken from a file or computed and kept there."""
    if not kept.exists():
        kept.write_text(json.dumps(measure(synthetic, split, target, seed), indent=1) + "\n")
    found: dict[str, float] = json.loads(kept.read_text())
    return found

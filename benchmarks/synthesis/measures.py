"""All measures of the synthetic rows of one tool, kept beside them."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.synthesis.tables import Split
from benchmarks.synthesis.two_sample import two_sample_score
from benchmarks.synthesis.usefulness import usefulness
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
        synthetic and from training rows), `closest_share`.
    """
    return {
        "two_sample": two_sample_score(split.train, synthetic, seed),
        "two_sample_held_out": two_sample_score(split.test, synthetic, seed),
        "shapes": float(np.nanmean([*column_shapes(split.train, synthetic).values()])),
        "trends": float(np.nanmean([*column_pair_trends(split.train, synthetic).values()])),
        "useful": usefulness(synthetic, split.test, target, seed),
        "useful_real": usefulness(split.train, split.test, target, seed),
        "closest_share": closest_record_share(synthetic, split.train, split.test, seed=seed),
    }


def of_real_rows(split: Split) -> dict[str, float]:
    """Return `trends_real` and `shapes_real`, the measures of held-out rows as if synthetic.

    No honest model can be expected to come nearer to its training rows.
    """
    return {
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

"""What detectors are worth: rows told apart, wrong cells named, clean rows flagged."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.planted.detectors import Scores
from benchmarks.planted.errors import Planted
from madeira.models.arrays import Float64

__all__ = ["flagged", "means", "measure"]

LEVELS = {"flagged_1": 0.99, "flagged_5": 0.95}


def measure(planted: Planted, clean: Scores, spoiled: Scores) -> dict[str, float]:
    """Measure one detector on one kind of error.

    Args:
        planted: The rows with errors.
        clean: Scores of all held-out rows without errors.
        spoiled: Scores of the planted rows.

    Returns:
        `auroc`: of planted rows among held-out rows, those away in whose place they are.
        `precision`: the share of planted rows among as many of the highest scores as there are
        planted rows; ties count by their share.
        `named`: the share of planted rows whose highest cell is a wrong one; ties by their share.
    """
    others = np.delete(clean.rows, planted.rows)
    scores = np.concatenate([others, spoiled.rows])
    wrong = np.arange(len(scores)) >= len(others)
    result = {
        "auroc": float(roc_auc_score(wrong, scores)),
        "precision": _precision(scores, wrong.astype(np.float64)),
    }
    if spoiled.cells is not None:
        first = spoiled.cells == spoiled.cells.max(axis=1, keepdims=True)
        result["named"] = float(((first & planted.wrong).sum(axis=1) / first.sum(axis=1)).mean())
    return result


def _precision(scores: Float64, wrong: Float64) -> float:
    """Share of wrong rows among the highest scores, as many as are wrong."""
    count = int(wrong.sum())
    border = np.sort(scores)[-count]
    above, equal = scores > border, scores == border
    room = count - above.sum()
    return float((wrong[above].sum() + room * wrong[equal].mean()) / count)


def flagged(scores: Float64) -> dict[str, float]:
    """Count clean rows; their share whose anomaly score is above 0.99, and above 0.95."""
    shares = {name: float((scores > level).mean()) for name, level in LEVELS.items()}
    return {"clean_rows": float(len(scores)), **shares}


def means(found: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean of each measure over rounds."""
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}

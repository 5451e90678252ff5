"""`rest`: each column given all others, on held-out rows, beside trees trained for it alone.

Categories by their log loss, numbers by the pinball loss of three quantiles. Cells whose category
no training row has are left out: trees have no probability for them. What the trees come to does
not depend on the model and is kept on disk.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from benchmarks.conditionals.questions import conditionals_of
from benchmarks.conditionals.trees import Trees
from benchmarks.held_out import Trial
from madeira.models.arrays import Bool, Float64

__all__ = ["QUANTILES", "Losses", "model_losses", "pinball", "rest_measures", "tree_losses"]

KEPT = Path(".bench/conditionals-trees")
QUANTILES = (0.1, 0.5, 0.9)
MAX_CELLS = 15_000

Losses = Mapping[str, float]
Variant = Literal["plain", "shrunk"]


def rest_measures(trial: Trial, seed: int) -> dict[str, float]:
    """Mean losses over columns, the model's and those of the better trees of the table.

    Args:
        trial: Model and rows.
        seed: Seed of the trees.

    Returns:
        `rest_categories` and `rest_numbers`, and the same with `_trees`; without those of which
        the table has no column.
    """
    ours = model_losses(trial)
    theirs = [tree_losses(trial, variant, seed) for variant in get_args(Variant)]
    result = {}
    for kind, discrete in (("categories", True), ("numbers", False)):
        names = [
            column.name
            for column in trial.estimator.schema.columns
            if column.discrete is discrete and column.name in ours
        ]
        if names:
            result[f"rest_{kind}"] = float(np.mean([ours[name] for name in names]))
            result[f"rest_{kind}_trees"] = min(
                float(np.mean([losses[name] for name in names])) for losses in theirs
            )
    return result


def asked_rows(trial: Trial) -> Float64:
    """Held-out rows that are asked about: fewer where there are many columns."""
    return trial.held[: MAX_CELLS // trial.held.shape[1]]


def model_losses(trial: Trial) -> dict[str, float]:
    """Loss of each column under the model, by name; see `tree_losses`."""
    density, rows = trial.estimator.density, asked_rows(trial)
    surprise = density.contributions(rows)
    losses = {}
    for variable, column in enumerate(density.layout.columns):
        cells = _cells(trial, rows, variable)
        if not cells.any():
            continue
        if column.discrete:
            losses[column.name] = float(surprise[cells, variable].mean())
            continue
        evidence = rows[cells].copy()
        evidence[:, variable] = np.nan
        parts = conditionals_of(density, evidence, variable)
        quantiles = np.hstack([part.quantiles(QUANTILES, None)[0] for part in parts])
        losses[column.name] = pinball(trial.train[:, variable], rows[cells, variable], quantiles)
    return losses


def tree_losses(trial: Trial, variant: Variant, seed: int) -> dict[str, float]:
    """Loss of each column under trees of its own, kept on disk once it is known.

    Args:
        trial: The rows; its model is not used.
        variant: Settings of the trees.
        seed: Seed of the trees.

    Returns:
        By name of the column: mean log loss of a category, nats; of a number the mean pinball loss
        in standard deviations of the column.
    """
    kept = KEPT / f"{trial.name}-{len(trial.train)}-{seed}-{variant}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    rows, columns = asked_rows(trial), trial.estimator.schema.columns
    losses = {}
    for variable, column in enumerate(columns):
        cells = _cells(trial, rows, variable)
        if not cells.any():
            continue
        trees = Trees(columns, trial.train, variable, seed, variant == "shrunk")
        if column.discrete:
            losses[column.name] = -float(trees.log_probabilities(rows[cells]).mean())
        else:
            quantiles = np.stack([trees.quantile(rows[cells], each) for each in QUANTILES])
            true = rows[cells, variable]
            losses[column.name] = pinball(trial.train[:, variable], true, quantiles)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(losses))
    return losses


def pinball(train: Float64, true: Float64, quantiles: Float64) -> float:
    """Mean pinball loss of quantiles, in standard deviations of the training values.

    Args:
        train: Training values of the column, NaN where missing.
        true: The values, shape `(cells,)`.
        quantiles: Shape `(3, cells)`, of `QUANTILES`.
    """
    over = true - quantiles
    levels = np.array(QUANTILES)[:, None]
    return float(np.maximum(levels * over, (levels - 1) * over).mean() / np.nanstd(train))


def _cells(trial: Trial, rows: Float64, variable: int) -> Bool:
    """Which rows have a value of a column, of a category one that training rows have."""
    known: Bool = ~np.isnan(rows[:, variable])
    if trial.estimator.schema.columns[variable].discrete:
        known &= np.isin(rows[:, variable], trial.train[:, variable])
    return known

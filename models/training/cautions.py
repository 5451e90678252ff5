"""Cautions for the user about a training that had little to learn from.

The bounds are rules of thumb. One row in ten is held out, so that fewer than a hundred rows are
judged by fewer than ten; and each column needs some rows to be told from chance.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from madeira.models.columns.base import Column
from madeira.models.echo import quoted

__all__ = ["cautions"]

MIN_ROWS = 100
MIN_ROWS_PER_COLUMN = 10
MAX_CATEGORY_SHARE = 0.5
_MAX_NAMES = 5


def cautions(metrics: Mapping[str, Any], columns: Sequence[Column]) -> list[str]:
    """Sentences on what to expect, none where nothing is amiss.

    Args:
        metrics: Of the training, as `training_metrics` gives them.
        columns: The columns that were modelled.
    """
    said = []
    train, held_out = metrics["train_rows"], metrics["valid_rows"]
    rows = train + held_out
    wanted = max(MIN_ROWS, MIN_ROWS_PER_COLUMN * len(columns))
    if rows < wanted:
        said.append(
            f"there are {rows} rows for {len(columns)} {_plural('column', len(columns))}, of which "
            f"{held_out} {'was' if held_out == 1 else 'were'} held out: expect rough likelihoods "
            f"and anomaly scores, and samples that hardly follow what columns have to do with each "
            f"other; {wanted} rows are the least to rely on"
        )
    if len(columns) == 1:
        said.append("only one column is modelled: the model is its distribution, and no more")
    distinct = [column.name for column in columns if _nearly_all_distinct(column, rows)]
    if distinct:
        names = ", ".join(quoted(name) for name in distinct[:_MAX_NAMES])
        more = ", ..." if len(distinct) > _MAX_NAMES else ""
        said.append(
            f"nearly every row has a category of its own in {names}{more}: nothing of it carries "
            "over to other rows; leave it out with the kind left_out"
        )
    if not metrics["interrupted"]:
        early = [
            member["name"]
            for member in metrics["members"]
            if member["best_epoch"] == 1 and member["epochs"] > 1
        ]
        if early:
            said.append(
                f"the first epoch was the best of {' and '.join(early)}: what came after was "
                "learned by heart; expect little, and try more rows, fewer columns or the "
                "preset fast"
            )
    if len(columns) > 1 and metrics["valid_nats"] <= metrics["independent_nats"]:
        said.append(
            f"held-out rows are no likelier ({metrics['valid_nats']:.3f} nats a row) than if the "
            f"columns had nothing to do with each other ({metrics['independent_nats']:.3f})"
        )
    return said


def _nearly_all_distinct(column: Column, rows: int) -> bool:
    count = column.describe().get("category_count", 0)
    return bool(count > 2 and count > MAX_CATEGORY_SHARE * rows)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"

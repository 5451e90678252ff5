"""The model card: what a checkpoint is, in words a colleague can read."""

from collections.abc import Mapping
from typing import Any

from madeira.models.schema.schema import Schema

__all__ = ["model_card"]


def model_card(
    schema: Schema, metrics: Mapping[str, Any], name: str | None = None, description: str = ""
) -> str:
    """Markdown that says what a model was trained on, how, and how well it fits.

    Args:
        schema: The columns.
        metrics: The metrics of the checkpoint.
        name: What the model is called.
        description: What its maker says of it.
    """
    lines = [f"# {name or 'Madeira density'}", ""]
    if description:
        lines += [description, ""]
    lines += [
        f"An exact density of {len(schema.columns)} columns, trained on "
        f"{metrics['train_rows']:,} rows ({metrics['valid_rows']:,} more held out for "
        f"validation) at {metrics['trained_at']}, in {metrics['seconds']:.0f} s on "
        f"{metrics['device']}.",
        "",
        f"Mean log-likelihood of the held-out rows: {metrics['valid_nats']:.3f} nats a row; "
        f"independent columns would have {metrics['independent_nats']:.3f}.",
        "",
        *_orderings(metrics),
        *_choices(metrics),
        "| member | any ordering | epochs | seconds | weight |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {member['name']} | {'yes' if member['any_order'] else 'no'} | {member['epochs']} "
        f"| {member['seconds']:.0f} | {member['weight']:.3f} |"
        for member in metrics["members"]
    ]
    lines += ["", "| column | kind |", "| --- | --- |"]
    lines += [f"| {column.name} | {column.kind} |" for column in schema.columns]
    if schema.left_out:
        lines += ["", "Excluded columns:", ""]
        lines += [f"- {column.name}: {column.reason}" for column in schema.left_out]
    return "\n".join(lines) + "\n"


def _orderings(metrics: Mapping[str, Any]) -> list[str]:
    """Say how far orderings differ; nothing of checkpoints that do not know."""
    spread = metrics.get("ordering_spread_nats")
    if not isinstance(spread, Mapping):
        return []
    figures = [spread.get(name) for name in ("mean", "p99")]
    if not all(isinstance(figure, int | float) for figure in figures):
        return []
    return [
        f"Orderings: the log-likelihood of a held-out row has a standard deviation of "
        f"{figures[0]:.3f} nats over the orderings that answer, on average, and of "
        f"{figures[1]:.3f} at the 99th percentile. Two ways to one conditional differ by about "
        "that.",
        "",
    ]


def _choices(metrics: Mapping[str, Any]) -> list[str]:
    """Say what training chose by looking at the table; nothing of checkpoints that do not know."""
    said = metrics.get("choices")
    if not isinstance(said, list) or not said:
        return []
    return ["Chosen by the table: " + "; ".join(map(str, said)) + ".", ""]

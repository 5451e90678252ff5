"""Tables that a training prints: the columns before it, the model after it."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from madeira.app.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from madeira.models import Schema

__all__ = ["print_cautions", "schema_report", "summary_report"]

_HOST, _PORT = (Settings.model_fields[name].default for name in ("host", "port"))
_MAX_COLUMNS = 60
_MAX_VALUES = 4
_MAX_VALUE = 24


def schema_report(schema: "Schema", table: "pa.Table") -> RenderableType:
    """Make a table of the columns with kind, details and missing values; the excluded ones last.

    Args:
        schema: The schema.
        table: The table.
    """
    grid = Table(title="Columns", title_justify="left", header_style="bold")
    for heading in ("column", "kind", "details"):
        grid.add_column(heading, overflow="fold")
    grid.add_column("missing", justify="right")
    present = set(table.column_names)
    for described in schema.describe()[:_MAX_COLUMNS]:
        name = described["name"]
        missing = table.column(name).null_count if name in present else table.num_rows
        grid.add_row(Text(name), described["kind"], Text(_details(described)), _count(missing))
    for column in schema.left_out[:_MAX_COLUMNS]:
        missing = table.column(column.name).null_count if column.name in present else 0
        grid.add_row(
            Text(column.name), "excluded", Text(column.reason), _count(missing), style="dim"
        )
    hidden = sum(max(0, len(part) - _MAX_COLUMNS) for part in (schema.columns, schema.left_out))
    parts: list[RenderableType] = [grid]
    if hidden:
        parts.append(Text(f"and {hidden} more columns; schema.json lists them all"))
    return Group(*parts)


def print_cautions(metrics: Mapping[str, Any], schema: "Schema", console: "Console") -> None:
    """Print a warning for everything that made the training difficult.

    Args:
        metrics: Metrics of the model.
        schema: Its schema.
        console: Console for the warnings.
    """
    from madeira.models.training.cautions import cautions

    for caution in cautions(metrics, schema.columns):
        console.print(Text(f"warning: {caution}", style="yellow"))


def summary_report(
    metrics: Mapping[str, Any],
    name: str,
    saved: Path,
    checkpoints: Path | None,
    others: Sequence[Path],
) -> RenderableType:
    """Make a table of the trained model, and the next steps.

    Args:
        metrics: Metrics of the model.
        name: Name of the model.
        saved: Directory of its new version.
        checkpoints: Directories of all models; None for the default ones.
        others: Other directories of models of this name.
    """
    grid = Table(title="Trained", title_justify="left", show_header=False)
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    rows = f"{metrics['train_rows']:,} for training, {metrics['valid_rows']:,} for validation"
    grid.add_row("model", Text(f"{name} version {saved.name}"))
    grid.add_row("rows", rows)
    grid.add_row("columns", f"{metrics['columns']:,}")
    for choice in metrics.get("choices", ()):
        grid.add_row("chosen", Text(choice))
    for member in metrics["members"]:
        grid.add_row(
            Text(f"member {member['name']}"),
            f"weight {member['weight']:.3f}, best of {member['epochs']} epochs: "
            f"{member['best_epoch']}, {member['seconds']:.1f} s",
        )
    grid.add_row("validation", f"{metrics['valid_nats']:.3f} nats a row (higher is better)")
    if spread := metrics.get("ordering_spread_nats"):
        grid.add_row("orderings", f"differ by {spread['mean']:.2f} nats a row (lower is better)")
    grid.add_row("seconds", f"{metrics['seconds']:.1f} on {metrics['device']}")
    grid.add_row("saved", Text(str(saved)))
    grid.add_row("learning curve", "learning_curve.png in this directory")
    serve = "madeira serve"
    if checkpoints is not None:
        serve += f" --checkpoints {shlex.quote(str(checkpoints))}"
    for other in others:
        if other.is_dir():
            grid.add_row("instead of", Text(f"the model of this name in {other.parent}"))
    url = f"http://{_HOST}:{_PORT}"
    body = f'{{"model": "{name}", "n": 5}}'
    steps = Text(
        "\nNext:\n"
        f"  1. start the service, if it is not running:  {serve}\n"
        "     A running service loads the new version within seconds.\n"
        "  2. ask the model for new rows:\n"
        f"     curl -s {url}/sample -H 'Content-Type: application/json' -d {shlex.quote(body)}\n"
    )
    return Group(grid, steps)


def _details(described: Mapping[str, Any]) -> str:
    """Return the first categories of a column, or its range and support; and null, if a value."""
    if described.get("null") == "value":
        rest = {name: said for name, said in described.items() if name != "null"}
        return f"{_details(rest)}; or null"
    if "categories" not in described:
        low, high = (described[end] for end in ("low", "high"))
        support = "" if low is None or high is None else f"; can be {low} to {high}"
        return f"{described['minimum']} to {described['maximum']}{support}"
    values = [_shortened(str(value)) for value in described["categories"][:_MAX_VALUES]]
    if described["category_count"] == 2:
        return " or ".join(values)
    more = ", ..." if described["category_count"] > len(values) else ""
    return f"{described['category_count']} categories: {', '.join(values)}{more}"


def _shortened(value: str) -> str:
    return value if len(value) <= _MAX_VALUE else f"{value[: _MAX_VALUE - 3]}..."


def _count(missing: int) -> str:
    return f"{missing:,}" if missing else ""

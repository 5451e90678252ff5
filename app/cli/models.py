"""`madeira models`: list the models in the directories of models."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from madeira.app.cli.options import SearchPathOption
from madeira.app.errors import ModelsDirectoryError
from madeira.models.echo import MAX_ECHO, escaped
from madeira.models.errors import CheckpointError
from madeira.models.model_directories import default_search_path, directories_of, model_names

if TYPE_CHECKING:
    from madeira.models.checkpoint import Description

__all__ = ["models"]

_HEADINGS = ("model", "version", "columns", "rows", "valid nats", "trained", "size")
_MAX_WIDTH = 10_000


def models(
    checkpoints: SearchPathOption = None,
) -> None:
    """List the models on disk, every version, whole or broken."""  # noqa: DOC501 - it is the help text
    directories = directories_of(checkpoints or default_search_path())
    found = [directory for directory in directories if directory.is_dir()]
    if checkpoints is not None and not found:
        raise ModelsDirectoryError(f"{checkpoints} is not a directory")
    for directory in directories:
        if len(directories) > 1:
            typer.echo(f"\n{directory}")
        _list(directory)


def _list(directory: Path) -> None:
    """List the models of one directory."""
    names = model_names(directory)
    if not names:
        typer.echo(f"No models in {directory}; `madeira train DATA --name NAME` makes one.")
        return
    # Imported here because it takes seconds, for which `madeira --help` should not wait.
    from madeira.models.checkpoint import read_description, versions

    rows: list[Sequence[str]] = []
    broken: list[str] = []
    for name in names:
        found = versions(directory / name)
        if not found:
            broken.append(f"{directory / name}: no version, a directory named 1, 2, ..., in it")
        for version in found:
            path, head = directory / name / version, escaped(name, MAX_ECHO)
            try:
                rows.append((head, version, *_row(read_description(path)), _size(path)))
            except CheckpointError as error:
                rows.append((head, version, "broken", "", "", "", ""))
                broken.append(str(error))
    _show(rows, broken)


def _show(rows: Sequence[Sequence[str]], broken: Sequence[str]) -> None:
    """Print a table; on a screen that is too narrow, one paragraph a version."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for heading in _HEADINGS:
        right = heading in ("version", "rows", "valid nats", "size")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell, style="red" if cell == "broken" else "") for cell in row))
    width = console.measure(table, options=console.options.update(width=_MAX_WIDTH)).maximum
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=max(width, console.width))
    if width <= console.width:
        console.print(table)
    else:
        for row in rows:
            console.print(Text(f"{row[0]} version {row[1]}", style="bold"), soft_wrap=True)
            for heading, cell in zip(_HEADINGS[2:], row[2:], strict=True):
                if cell:
                    text = Text(f"  {heading}: {', '.join(cell.splitlines())}")
                    console.print(text, soft_wrap=True)
    for reason in broken:
        console.print(Text(f"broken: {escaped(reason)}", style="red"), soft_wrap=True)


def _row(described: "Description") -> tuple[str, str, str, str]:
    """Return the cells for columns by kind, training rows, validation nats, and date."""
    kinds = Counter(column.kind for column in described.schema.columns)
    metrics = described.metrics
    return (
        "\n".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
        f"{metrics['train_rows']:,}",
        f"{metrics['valid_nats']:.3f}",
        str(metrics["trained_at"])[:16].replace("T", "\n"),
    )


def _size(path: Path) -> str:
    total = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    return f"{total / 1e6:.2f} MB"

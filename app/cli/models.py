"""`madeira models`: what lies in the directory of models."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.errors import AppError
from app.settings import Settings
from models.checkpoint import Checkpoint, load_checkpoint, versions
from models.errors import CheckpointError

__all__ = ["ModelsDirectoryError", "models"]

_HEADINGS = ("model", "version", "columns", "rows", "valid nats", "trained", "size")


class ModelsDirectoryError(AppError):
    """There is no directory of models where one was looked for."""


def models(
    checkpoints: Annotated[
        Path,
        typer.Option(
            "--checkpoints", help="Directory of the models.", envvar="MADEIRA_CHECKPOINTS"
        ),
    ] = Settings.model_fields["checkpoints"].default,
) -> None:
    """List the models on disk, every version, whole or broken."""
    if not checkpoints.is_dir():
        raise ModelsDirectoryError(f"{checkpoints} is not a directory")
    names = sorted(
        entry.name
        for entry in checkpoints.iterdir()
        if entry.is_dir() and not entry.name.startswith((".", "__"))
    )
    console = Console()
    if not names:
        console.print(f"No models in {checkpoints}; `madeira train DATA --name NAME` makes one.")
        return
    shown = Table(header_style="bold", box=SIMPLE_HEAD)
    for heading in _HEADINGS:
        right = heading in ("version", "rows", "valid nats", "size")
        shown.add_column(
            heading, justify="right" if right else "left", no_wrap=heading != "trained"
        )
    broken: list[str] = []
    for name in names:
        found = versions(checkpoints / name)
        if not found:
            broken.append(f"{checkpoints / name}: no version, a directory named 1, 2, ..., in it")
        for version in found:
            path = checkpoints / name / version
            try:
                shown.add_row(name, version, *_row(load_checkpoint(path)), _size(path))
            except CheckpointError as error:
                shown.add_row(name, version, Text("broken", style="red"))
                broken.append(str(error))
    console.print(shown)
    for reason in broken:
        console.print(Text(f"broken: {reason}", style="red"), soft_wrap=True)


def _row(checkpoint: Checkpoint) -> tuple[str, str, str, str]:
    """Columns by kind, rows trained on, validation nats, when."""
    kinds = Counter(column.kind for column in checkpoint.schema.columns)
    metrics = checkpoint.metrics
    return (
        "\n".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
        f"{metrics['train_rows']:,}",
        f"{metrics['valid_nats']:.3f}",
        str(metrics["trained_at"])[:16].replace("T", "\n"),
    )


def _size(path: Path) -> str:
    total = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    return f"{total / 1e6:.2f} MB"

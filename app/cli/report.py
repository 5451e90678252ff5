"""`madeira report`: one page that compares a model with rows that it was not trained on."""

import time
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from madeira.app.cli.options import SearchPathOption
from madeira.app.errors import ReportError
from madeira.models.errors import TableError
from madeira.models.model_directories import find_checkpoint

if TYPE_CHECKING:
    import pyarrow as pa

    from madeira.models import DensityEstimator

__all__ = ["report"]

_MAX_ROWS = 5_000


def report(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model of the directory.")],
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Rows that it was not trained on: CSV or Parquet."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="File of the page.", show_default="NAME-report.html"
        ),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            "--train",
            metavar="FILE",
            help="The rows that it was trained on, to test whether it copies them.",
        ),
    ] = None,
    model_version: Annotated[
        str | None,
        typer.Option("--model-version", help="Version of the model.", show_default="the latest"),
    ] = None,
    checkpoints: SearchPathOption = None,
    rows: Annotated[
        int,
        typer.Option("--rows", min=1, help="Maximum of rows of a file; the seed selects them."),
    ] = _MAX_ROWS,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all random numbers.")] = 0,
) -> None:
    """Compare the model NAME with the rows in DATA, on a page for a browser.

    Columns and pairs of synthetic rows against real ones, likelihoods, the most anomalous rows
    with their reasons, a test of imputation, distances to the closest records. The page is one
    file and needs no network.
    """  # noqa: DOC501 - it is the help text
    start = time.monotonic()
    path = find_checkpoint(name, model_version, checkpoints)
    target = output or Path(f"{name}-report.html")
    if not target.absolute().parent.is_dir():
        raise ReportError(f"{target.parent} is not a directory")
    # Imported here because it takes seconds, for which `madeira --help` should not wait.
    from rich.console import Console

    from madeira.app.report import SECTIONS, Provenance, collect, page
    from madeira.models import DensityEstimator

    estimator = DensityEstimator.load(path)
    tables = [_read(file, estimator) for file in (data, train) if file is not None]
    learned = tables[1] if train is not None else None
    console = Console(stderr=True)
    with console.status("") as status:
        status.update("scoring and sampling")
        collected = collect(estimator, tables[0], learned, limit_rows=rows, seed=seed)
        sections = []
        for make in SECTIONS:
            status.update(make.__name__)
            sections.append(make(collected))
    words = ["madeira", "report", name, data.name, f"--seed {seed}", f"--rows {rows}"]
    provenance = Provenance(
        model=name,
        version=path.name,
        trained_on=str(estimator.metrics["trained_at"])[:10],
        columns=len(estimator.schema.columns),
        excluded=[column.name for column in estimator.schema.left_out],
        file=data.name,
        rows=tables[0].num_rows,
        used_rows=len(collected.rows),
        program=f"Madeira {installed_version('madeira')}",
        made_at=datetime.now(UTC).isoformat(sep=" ", timespec="minutes")[:16],
        seconds=time.monotonic() - start,
        command=" ".join([*words, *([f"--train {train.name}"] if train else [])]),
    )
    try:
        target.write_text(page(provenance, sections), encoding="utf-8")
    except OSError as error:
        raise ReportError(f"{target} cannot be written: {error.strerror or error}") from error
    for section in sections:
        for tile in section.tiles:
            typer.echo(f"{tile.name + ':':22}{tile.value}  ({tile.note})")
    typer.echo(f"{target}: open it in a browser")


def _read(path: Path, estimator: "DensityEstimator") -> "pa.Table":
    """Read the columns of the model from a file.

    Raises:
        ReportError: The file has no rows, lacks columns, or has cells that do not fit.
    """
    from madeira.models import read_table

    table = read_table(path)
    names = estimator.schema.names
    missing = [name for name in names if name not in table.column_names]
    if missing:
        listed = ", ".join(map(repr, missing[:8])) + (", ..." if len(missing) > 8 else "")
        raise ReportError(
            f"{path} lacks {len(missing)} of the model's {len(names)} columns: {listed}"
        )
    if not table.num_rows:
        raise ReportError(f"{path} has no rows")
    table = table.select(list(names))
    try:
        estimator.schema.encode(table)
    except TableError as error:
        raise ReportError(f"{path}: {error}") from error
    return table

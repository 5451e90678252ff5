"""`madeira tune`: search for the best settings of a table, and train a model with them."""

import importlib.util
import math
from pathlib import Path
from typing import Annotated

import typer

from madeira.app.cli.options import (
    ColumnsOption,
    DataArgument,
    DeviceOption,
    EncodingOption,
    NameOption,
    NaValuesOption,
    OnBadCellOption,
    RowsOption,
    SchemaOption,
    SeedOption,
    TargetOption,
    read_options,
)
from madeira.app.cli.training_data import read_training_table, require_writable, target_directories
from madeira.app.errors import TrainError

__all__ = ["tune"]

_STUDIES = ".tuning"  # the service ignores directories that begin with a dot


def _valid_budget(minutes: float) -> float:
    if not (math.isfinite(minutes) and minutes > 0):
        raise typer.BadParameter(f"{minutes:g}: expected minutes above 0, such as 10 or 0.5")
    return minutes


def tune(
    data: DataArgument,
    name: NameOption,
    budget: Annotated[
        float,
        typer.Option(
            "--budget",
            metavar="MINUTES",
            help="Minutes to search; the same command again continues for as long.",
            callback=_valid_budget,
        ),
    ],
    checkpoints: TargetOption = None,
    study: Annotated[
        Path | None,
        typer.Option(
            "--study",
            metavar="FOLDER",
            help="Folder of the trials, to continue from; default .tuning/NAME beside the models.",
        ),
    ] = None,
    device: DeviceOption = "cpu",
    seed: SeedOption = 0,
    schema_file: SchemaOption = None,
    encoding: EncodingOption = None,
    na_values: NaValuesOption = None,
    columns: ColumnsOption = None,
    rows: RowsOption = None,
    on_bad_cell: OnBadCellOption = "drop",
) -> None:
    """Search for the best settings for the table in DATA, and save a model with them.

    Ctrl-C ends the search early and saves the best so far; a second Ctrl-C aborts. The trials are
    kept.
    """  # noqa: DOC501 - it is the help text
    if importlib.util.find_spec("optuna") is None:
        raise TrainError("the search needs Optuna: pip install 'madeira[tune]'")
    from rich.console import Console

    from madeira.app.cli.summary import print_cautions, summary_report
    from madeira.app.cli.tuning import search_and_save  # imports Optuna

    console = Console()
    place, others = target_directories(checkpoints, name)
    folder = study or place.parent / _STUDIES / name
    require_writable(folder)
    options = read_options(encoding, na_values, columns, rows)
    table, schema = read_training_table(
        data, schema_file, place, device, console, options, on_bad_cell
    )
    metrics, saved = search_and_save(
        table,
        schema,
        console,
        name=name,
        data=data,
        place=place,
        others=others,
        folder=folder,
        budget_s=60 * budget,
        device=device,
        seed=seed,
    )
    print_cautions(metrics, schema, console)
    console.print(summary_report(metrics, name, saved, checkpoints, others), soft_wrap=True)

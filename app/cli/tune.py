"""`madeira tune`: from a file with a table to a model of the settings that suit it best."""

import importlib.util
import math
from pathlib import Path
from typing import Annotated

import typer

from madeira.app.cli.training_data import (
    CheckpointsOption,
    DataArgument,
    DeviceOption,
    NameOption,
    SchemaOption,
    SeedOption,
    TrainError,
    places_of,
    prepared,
    require_writable,
)

__all__ = ["tune"]

_STUDIES = ".tuning"  # the service takes no directory that begins with a dot for a model


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
            help="Time to search for; the same command again searches for as long again.",
            callback=_valid_budget,
        ),
    ],
    checkpoints: CheckpointsOption = None,
    study: Annotated[
        Path | None,
        typer.Option(
            "--study",
            metavar="FOLDER",
            help="Where trials are kept, to go on with; by default .tuning/NAME beside the models.",
        ),
    ] = None,
    device: DeviceOption = "cpu",
    seed: SeedOption = 0,
    schema_file: SchemaOption = None,
) -> None:
    """Search for the settings that suit the table in DATA, and save a model of the best.

    Ctrl-C ends the search early and saves the best so far; a second Ctrl-C aborts, and what was
    tried is kept.
    """
    if importlib.util.find_spec("optuna") is None:
        raise TrainError("the search is done by Optuna, an extra: pip install 'madeira[tune]'")
    from rich.console import Console

    from madeira.app.cli.report import print_cautions, summary_report
    from madeira.app.cli.tuning import tuned  # imports Optuna

    console = Console()
    place, others = places_of(checkpoints, name)
    folder = study or place.parent / _STUDIES / name
    require_writable(folder)
    table, schema = prepared(data, schema_file, place, device, console)
    metrics, saved = tuned(
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

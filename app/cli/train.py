"""`madeira train`: train a model on a table."""

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from madeira.app.cli.interrupts import Interrupts
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
from madeira.app.cli.saving import save_trained
from madeira.app.cli.training_data import read_training_table, target_directories
from madeira.app.errors import TrainError
from madeira.app.processes.signals import ABORTED
from madeira.models.preset_names import Preset

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from madeira.models import DensityEstimator, Schema
    from madeira.models.training.fit import Phase

__all__ = ["LEARNING_CURVE", "fit_with_progress", "learning_curve", "train"]

LEARNING_CURVE = "learning_curve.png"


def _valid_smoothing(text: str) -> str:
    try:
        valid = text == "auto" or 0 <= float(text) < float("inf")
    except ValueError:
        valid = False
    if not valid:
        raise typer.BadParameter(f"{text!r} is neither auto nor a number from 0")
    return text


def train(
    data: DataArgument,
    name: NameOption,
    checkpoints: TargetOption = None,
    device: DeviceOption = "cpu",
    seed: SeedOption = 0,
    preset: Annotated[
        Preset, typer.Option("--preset", help="Size of the model and length of the training.")
    ] = "balanced",
    smoothing: Annotated[
        str,
        typer.Option(
            "--smoothing",
            metavar="NUMBER|auto",
            help="For anomaly detection: noise on the rows, in standard deviations, or auto.",
            callback=_valid_smoothing,
        ),
    ] = "0",
    contamination: Annotated[
        float,
        typer.Option(
            "--contamination",
            min=0.0,
            max=0.5,
            help="Share of anomalies in the table; the least likely rows are not trained on.",
        ),
    ] = 0.0,
    schema_file: SchemaOption = None,
    encoding: EncodingOption = None,
    na_values: NaValuesOption = None,
    columns: ColumnsOption = None,
    rows: RowsOption = None,
    on_bad_cell: OnBadCellOption = "drop",
) -> None:
    """Train a model on the table in DATA.

    Ctrl-C ends training early and saves the best model so far; a second Ctrl-C aborts.
    """
    # Imported here because it takes seconds, for which `madeira --help` should not wait.
    from rich.console import Console

    from madeira.app.cli.summary import print_cautions, summary_report
    from madeira.models import DensityEstimator
    from madeira.models import preset as settings_of

    console = Console()
    place, others = target_directories(checkpoints, name)
    options = read_options(encoding, na_values, columns, rows)
    table, schema = read_training_table(
        data, schema_file, place, device, console, options, on_bad_cell
    )
    config = replace(
        settings_of(preset),
        smoothing="auto" if smoothing == "auto" else float(smoothing),
        contamination=contamination,
    )
    estimator = DensityEstimator(config=config, seed=seed, device=device)
    with Interrupts() as interrupts:
        fit_with_progress(estimator, table, schema, console, interrupts)
        console.print("saving")
        estimator.metrics["preset"] = preset
        estimator.describe(name, f"Trained by `madeira train {data.name} --name {name}`.")
        pictures = {LEARNING_CURVE: learning_curve(name, estimator)}
        saved = save_trained(
            lambda directory: estimator.save_version(directory, pictures, others), place
        )
    if estimator.metrics["interrupted"]:
        console.print("Interrupted: the best model so far is saved.")
    print_cautions(estimator.metrics, estimator.schema, console)
    console.print(
        summary_report(estimator.metrics, name, saved, checkpoints, others), soft_wrap=True
    )


def fit_with_progress(
    estimator: "DensityEstimator",
    table: "pa.Table",
    schema: "Schema",
    console: "Console",
    interrupts: Interrupts,
) -> None:
    """Fit the estimator and show its progress.

    Args:
        estimator: The estimator.
        table: The table.
        schema: Schema of the table.
        console: Console for the progress.
        interrupts: Handler of Ctrl-C.

    Raises:
        TrainError: The device has too little memory.
        SystemExit: Ctrl-C came before the end of the first epoch.
    """
    import torch

    from madeira.app.cli.progress import progress_display
    from madeira.models.errors import TrainingWarning

    try:
        with progress_display(console) as display, interrupts.stopping():

            def on_phase(phase: "Phase") -> None:
                interrupts.finish()
                display.phase(phase)

            with warnings.catch_warnings():
                warnings.simplefilter("ignore", TrainingWarning)  # `print_cautions` prints them
                estimator.fit(table, schema, on_epoch=display.epoch, on_phase=on_phase)
    except KeyboardInterrupt:
        console.print("No epoch has ended: there is nothing to save.")
        raise SystemExit(ABORTED) from None
    except torch.OutOfMemoryError as error:
        raise TrainError(
            "the device has not enough memory for this table and preset; "
            "try --preset fast or --device cpu"
        ) from error


def learning_curve(name: str, estimator: "DensityEstimator") -> bytes:
    """Draw the learning curves of the estimator's members.

    Args:
        name: Name of the model.
        estimator: The estimator.

    Returns:
        A PNG.
    """
    # matplotlib takes long to import.
    from madeira.app.pictures.learning_curve import draw_learning_curve

    return draw_learning_curve(name, estimator.metrics["members"])

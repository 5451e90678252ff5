"""`madeira train`: from a file with a table to a model that can be served."""

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from madeira.app.cli.interrupts import ABORTED, Interrupts
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
)
from madeira.models.preset_names import Preset

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from madeira.models import DensityEstimator, Schema
    from madeira.models.training.fit import Phase

__all__ = ["LEARNING_CURVE", "fit_shown", "train"]

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
    checkpoints: CheckpointsOption = None,
    device: DeviceOption = "cpu",
    seed: SeedOption = 0,
    preset: Annotated[
        Preset, typer.Option("--preset", help="How much effort to spend.")
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
            help="Share of the rows that may be anomalies; the least likely are not learned.",
        ),
    ] = 0.0,
    schema_file: SchemaOption = None,
) -> None:
    """Train a model of the table in DATA.

    Ctrl-C ends training early, and the best model so far is saved; a second Ctrl-C aborts.
    """
    # These load the networks, which `madeira --help` need not wait for.
    from rich.console import Console

    from madeira.app.cli.report import print_cautions, summary_report
    from madeira.models import DensityEstimator
    from madeira.models import preset as settings_of

    console = Console()
    place, others = places_of(checkpoints, name)
    table, schema = prepared(data, schema_file, place, device, console)
    config = replace(
        settings_of(preset),
        smoothing="auto" if smoothing == "auto" else float(smoothing),
        contamination=contamination,
    )
    estimator = DensityEstimator(config=config, seed=seed, device=device)
    with Interrupts() as interrupts:
        fit_shown(estimator, table, schema, console, interrupts)
        console.print("saving")
        estimator.metrics["preset"] = preset
        estimator.describe(name, f"Trained by `madeira train {data.name} --name {name}`.")
        pictures = {LEARNING_CURVE: learning_curve(name, estimator)}
        saved = estimator.save_version(place, pictures, others)
    if estimator.metrics["interrupted"]:
        console.print("Interrupted: the best so far was kept and is saved.")
    print_cautions(estimator.metrics, estimator.schema, console)
    console.print(
        summary_report(estimator.metrics, name, saved, checkpoints, others), soft_wrap=True
    )


def fit_shown(
    estimator: "DensityEstimator",
    table: "pa.Table",
    schema: "Schema",
    console: "Console",
    interrupts: Interrupts,
) -> None:
    """Fits the estimator and shows how far it is.

    Raises:
        TrainError: The table cannot be trained on, or the device has not enough memory.
        SystemExit: Ctrl-C came before there was anything to keep.
    """
    import torch

    from madeira.app.cli.progress import shown_progress
    from madeira.models.errors import TrainingWarning

    try:
        with shown_progress(console) as shown, interrupts.stopping():

            def on_phase(phase: "Phase") -> None:
                interrupts.finish()
                shown.phase(phase)

            with warnings.catch_warnings():
                warnings.simplefilter("ignore", TrainingWarning)  # `print_cautions` says them
                estimator.fit(table, schema, on_epoch=shown.epoch, on_phase=on_phase)
    except KeyboardInterrupt:
        console.print("No epoch had ended: there is nothing to save.")
        raise SystemExit(ABORTED) from None
    except torch.OutOfMemoryError as error:
        raise TrainError(
            "the device has not enough memory for this table and preset; "
            "try --preset fast or --device cpu"
        ) from error


def learning_curve(name: str, estimator: "DensityEstimator") -> bytes:
    """The picture of the learning curves of the estimator's members, PNG."""
    # matplotlib takes long to import, and only here is it needed.
    from madeira.app.cli.learning_curve import draw_learning_curve

    return draw_learning_curve(name, estimator.metrics["members"])

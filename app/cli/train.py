"""`madeira train`: from a file with a table to a model that can be served."""

import os
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import torch
import typer
from rich.console import Console

from app.cli.interrupts import ABORTED, Interrupts
from app.cli.progress import shown_progress
from app.cli.report import schema_report, summary_report
from app.cli.schema_file import read_schema
from app.codecs.files import read_table
from app.errors import AppError
from app.settings import Settings
from models import DensityEstimator, Schema, SchemaError, TableError
from models.checkpoint import next_version
from models.training.presets import Preset
from models.training.presets import preset as settings_of

__all__ = ["LEARNING_CURVE", "TrainError", "fit_shown", "train"]

LEARNING_CURVE = "learning_curve.png"

_CHECKPOINTS = Settings.model_fields["checkpoints"].default
_HOST, _PORT = (Settings.model_fields[name].default for name in ("host", "port"))
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


class TrainError(AppError):
    """A model cannot be trained of this file, or not here; the message names the cause."""


def _valid_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(
            f"{name!r}: small letters, digits, - and _ make a name, "
            "a letter or digit first, 100 at most"
        )
    return name


def _valid_device(device: str) -> str:
    if not _DEVICE.fullmatch(device):
        raise typer.BadParameter(f"{device!r} is not cpu, cuda or cuda:<index>")
    return device


def _valid_smoothing(text: str) -> str:
    try:
        valid = text == "auto" or 0 <= float(text) < float("inf")
    except ValueError:
        valid = False
    if not valid:
        raise typer.BadParameter(f"{text!r} is neither auto nor a number from 0")
    return text


def train(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A CSV or Parquet file; empty cells are missing values."
        ),
    ],
    name: Annotated[
        str,
        typer.Option("--name", help="What the model will be called.", callback=_valid_name),
    ],
    checkpoints: Annotated[
        Path,
        typer.Option(
            "--checkpoints",
            help="Directory of the models; this one goes to NAME and its next version in there.",
            envvar="MADEIRA_CHECKPOINTS",
        ),
    ] = _CHECKPOINTS,
    device: Annotated[
        str,
        typer.Option("--device", help="Where to train: cpu or cuda.", callback=_valid_device),
    ] = "cpu",
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="On a CPU, the same seed gives the same model.")
    ] = 0,
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
    schema_file: Annotated[
        Path | None,
        typer.Option(
            "--schema",
            metavar="FILE",
            help="What overrules the kinds of columns, as `madeira schema` writes it.",
        ),
    ] = None,
) -> None:
    """Train a model of the table in DATA.

    Ctrl-C ends training early and keeps the best model so far; a second Ctrl-C aborts.
    """
    console = Console()
    _require_writable(checkpoints / name)
    _require_device(device)
    table = read_table(data)
    _require_rows(data, table)
    try:
        schema = read_schema(schema_file, table) if schema_file else Schema.infer(table)
    except (SchemaError, TableError) as error:
        raise TrainError(str(error) if schema_file else f"{data}: {error}") from error
    console.print(f"{data}: {table.num_rows:,} rows, {table.num_columns:,} columns")
    console.print(schema_report(schema, table))
    _require_columns(data, schema)
    config = replace(
        settings_of(preset),
        smoothing="auto" if smoothing == "auto" else float(smoothing),
        contamination=contamination,
    )
    estimator = DensityEstimator(config=config, seed=seed, device=device)
    with Interrupts() as interrupts:
        fit_shown(estimator, table, schema, console, interrupts)
        estimator.metrics["preset"] = preset
        estimator.describe(name, f"Trained by `madeira train {data.name} --name {name}`.")
        saved = checkpoints / name / next_version(checkpoints / name)
        estimator.save(saved, {LEARNING_CURVE: learning_curve(name, estimator)})
    if estimator.metrics["interrupted"]:
        console.print("Interrupted: the best so far was kept and is saved.")
    serve = "madeira serve"
    if checkpoints != _CHECKPOINTS:
        serve += f" --checkpoints {shlex.quote(str(checkpoints))}"
    url = f"http://{_HOST}:{_PORT}"
    console.print(summary_report(estimator.metrics, name, saved, serve, url), soft_wrap=True)


def fit_shown(
    estimator: DensityEstimator,
    table: pa.Table,
    schema: Schema,
    console: Console,
    interrupts: Interrupts,
) -> None:
    """Fits the estimator and shows how far it is.

    Raises:
        TrainError: The table cannot be trained on, or the device has not enough memory.
        SystemExit: Ctrl-C came before there was anything to keep.
    """
    try:
        with shown_progress(console) as on_epoch, interrupts.stopping():
            estimator.fit(table, schema, on_epoch=on_epoch)
    except KeyboardInterrupt:
        console.print("No epoch had ended: there is nothing to save.")
        raise SystemExit(ABORTED) from None
    except torch.OutOfMemoryError as error:
        raise TrainError(
            "the device has not enough memory for this table and preset; "
            "try --preset fast or --device cpu"
        ) from error


def learning_curve(name: str, estimator: DensityEstimator) -> bytes:
    """The picture of the learning curves of the estimator's members, PNG."""
    # matplotlib takes long to import, and only here is it needed.
    from app.cli.learning_curve import draw_learning_curve

    return draw_learning_curve(name, estimator.metrics["members"])


def _require_rows(path: Path, table: pa.Table) -> None:
    if table.num_rows < 2:
        rows = "no rows" if table.num_rows == 0 else "one row"
        raise TrainError(f"{path} has {rows}; a model needs at least two to learn from")


def _require_columns(path: Path, schema: Schema) -> None:
    if not schema.columns:
        reasons = "; ".join(f"{column.name}: {column.reason}" for column in schema.left_out)
        raise TrainError(f"{path}: every column is set aside ({reasons})")


def _require_writable(directory: Path) -> None:
    """Finds out before the training, not after it, that its result cannot be written."""
    place = next(
        path for path in (directory.absolute(), *directory.absolute().parents) if path.exists()
    )
    if not place.is_dir():
        raise TrainError(f"{place} is a file; models are saved to a directory")
    if not os.access(place, os.W_OK | os.X_OK):
        raise TrainError(f"{place} cannot be written to; choose another with --checkpoints")


def _require_device(device: str) -> None:
    if not device.startswith("cuda"):
        return
    index = torch.device(device).index or 0
    if index >= torch.cuda.device_count():
        raise TrainError(f"there is no CUDA device {index} here; train with --device cpu")

"""Synthetic rows of every tool, kept on disk: what was drawn once is not drawn again."""

import json
import os
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.synthesis.tables import (
    Split,
    blank_absent,
    with_absence,
    with_constants,
    with_missing_category,
    without_missing_category,
)
from madeira.models import DensityEstimator
from madeira.models.training.presets import Preset

__all__ = ["ENVIRONMENT", "PEERS", "Drawn", "Settings", "draw"]

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".bench" / "synthesis"
RUNNER = ROOT / "benchmarks" / "peers" / "synthesis.py"
PEERS = ("gaussian_copula", "arfpy", "mostlyai", "tvae", "ctgan", "mostlyai_unprotected")
NUMBERS_FILLED = frozenset({"arfpy"})  # those that refuse missing numbers


@dataclass(frozen=True)
class Drawn:
    """Synthetic rows of one tool.

    Attributes:
        table: The rows, with the columns and types of the training rows.
        fit_s: Processor seconds of training.
        sample_s: Processor seconds of drawing as many rows as there were training rows.
    """

    table: pa.Table
    fit_s: float
    sample_s: float


@dataclass(frozen=True)
class Settings:
    """How to train and to draw.

    Attributes:
        preset: Settings of Madeira.
        device: Where Madeira computes.
        seed: Seed of training and drawing.
        threads: Threads of a peer.
    """

    preset: Preset = "balanced"
    device: str = "cpu"
    seed: int = 0
    threads: int = 1


def draw(tool: str, split: Split, kept: Path, settings: Settings) -> Drawn:
    """As many synthetic rows as there are training rows, drawn now or taken from the disk.

    Args:
        tool: `madeira`, or one of `PEERS`.
        split: The rows; only those to train on are used.
        kept: Parquet file where the rows are kept.
        settings: How to train and to draw.

    Raises:
        CalledProcessError: A peer fails; what it says stands beside `kept`, in a file `.log`.
        FileNotFoundError: The environment of the peers is not there.
    """
    seconds = kept.with_suffix(".json")
    if not (kept.exists() and seconds.exists()):
        kept.parent.mkdir(parents=True, exist_ok=True)
        draw_now = _draw_madeira if tool == "madeira" else partial(_draw_peer, tool)
        draw_now(split.train, kept, settings)
    return Drawn(_as(split.train, pq.read_table(kept)), **json.loads(seconds.read_text()))


def _draw_madeira(train: pa.Table, kept: Path, settings: Settings) -> None:
    estimator = DensityEstimator(settings.preset, seed=settings.seed, device=settings.device)
    start = processor_seconds()
    estimator.fit(_with_declared_codes(train))
    fitted = processor_seconds()
    rows = estimator.sample(train.num_rows, seed=settings.seed)
    sampled = processor_seconds()
    pq.write_table(with_constants(rows, train), kept)
    seconds = {"fit_s": round(fitted - start, 1), "sample_s": round(sampled - fitted, 1)}
    kept.with_suffix(".json").write_text(json.dumps(seconds) + "\n")


def _with_declared_codes(train: pa.Table) -> pa.Table:
    """Declare codes to be categories, as a pandas frame would: texts of digits are numbers else."""
    for place, field in enumerate(train.schema):
        column = train[field.name]
        if pa.types.is_string(field.type) and pc.all(pc.utf8_is_digit(column.drop_null())).as_py():
            train = train.set_column(place, field.name, column.dictionary_encode())
    return train


def _draw_peer(tool: str, train: pa.Table, kept: Path, settings: Settings) -> None:
    filled = tool in NUMBERS_FILLED
    given = kept.with_suffix(".train.parquet")
    told = with_missing_category(train)
    pq.write_table(_filled(with_absence(told, _gaps(told))) if filled else told, given)
    numbers = {"rows": train.num_rows, "seed": settings.seed, "threads": settings.threads}
    options = [text for name, value in numbers.items() for text in (f"--{name}", str(value))]
    command: list[str | Path] = [
        ENVIRONMENT / "bin" / "python",
        RUNNER,
        tool,
        given,
        kept,
        *options,
    ]
    environment = os.environ | {"OMP_NUM_THREADS": str(settings.threads)}
    with kept.with_suffix(".log").open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, env=environment)
    given.unlink()
    rows = pq.read_table(kept)
    pq.write_table(without_missing_category(blank_absent(rows) if filled else rows), kept)


def processor_seconds() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _gaps(table: pa.Table) -> list[str]:
    """Columns with missing values."""
    return [name for name in table.column_names if table[name].null_count]


def _filled(table: pa.Table) -> pa.Table:
    for name in _gaps(table):
        median = pc.approximate_median(table[name])
        place = table.column_names.index(name)
        table = table.set_column(place, name, pc.fill_null(table[name], median))
    return table


def _as(like: pa.Table, table: pa.Table) -> pa.Table:
    """Rows with the types of others: tools that draw fractions of whole numbers are rounded."""
    columns = []
    for name in like.column_names:
        column, wanted = table[name], like.schema.field(name).type
        if isinstance(column.type, pa.DictionaryType):
            column = column.cast(column.type.value_type)
        if pa.types.is_integer(wanted) and pa.types.is_floating(column.type):
            column = pc.round(column)
        columns.append(column.cast(wanted))
    return pa.table(columns, names=like.column_names)

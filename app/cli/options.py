"""Options that several commands have."""

import re
from pathlib import Path
from typing import Annotated

import typer

from madeira.models.echo import quoted

__all__ = [
    "DataArgument",
    "DeviceOption",
    "NameOption",
    "SchemaOption",
    "SearchPathOption",
    "SeedOption",
    "TargetOption",
]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


def _valid_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(
            f"{quoted(name)}: small letters, digits, - and _ make a name, "
            "a letter or digit first, 100 at most"
        )
    return name


def _valid_device(device: str) -> str:
    if not _DEVICE.fullmatch(device):
        raise typer.BadParameter(f"{quoted(device)} is not cpu, cuda or cuda:<index>")
    return device


DataArgument = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="A CSV or Parquet file; empty cells are missing values."),
]
NameOption = Annotated[str, typer.Option("--name", help="Name of the model.", callback=_valid_name)]
TargetOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoints",
        help="Directory of the models; the new version is saved in its folder NAME.",
        show_default="~/.local/share/madeira/models",
        envvar="MADEIRA_CHECKPOINTS",
    ),
]
SearchPathOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoints",
        help="Directories of the models.",
        show_default="yours, and the bundled one",
        envvar="MADEIRA_CHECKPOINTS",
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", help="Where to train: cpu or cuda.", callback=_valid_device)
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="On a CPU, the same seed gives the same model.")
]
SchemaOption = Annotated[
    Path | None,
    typer.Option(
        "--schema",
        metavar="FILE",
        help="A file that overrides kinds of columns, see `madeira schema`.",
    ),
]

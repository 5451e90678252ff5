"""Options that `madeira score`, `impute` and `sample` share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DrawSeedOption",
    "ErrorsOption",
    "FilesArgument",
    "Form",
    "FormOption",
    "JsonOption",
    "ModelOption",
    "OnErrors",
    "OutOption",
    "RefusedOption",
    "ResumeOption",
    "ThreadsOption",
    "UrlOption",
    "VersionOption",
    "WithinRangeOption",
]


class OnErrors(StrEnum):
    """What is done with rows that do not fit the model."""

    FAIL = "fail"
    SKIP = "skip"


class Form(StrEnum):
    """Formats of standard input and output."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    ARROW = "arrow"


FilesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA...",
        help="Files of rows, patterns in quotes such as 'part-*.parquet', URLs, or - for standard "
        "input; the extension tells the format: CSV, Parquet, Arrow, NDJSON.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str, typer.Option("--model", help="Name of a model, or the directory of a checkpoint.")
]
VersionOption = Annotated[
    str | None,
    typer.Option("--model-version", help="Version of the model.", show_default="the latest"),
]
OutOption = Annotated[
    str,
    typer.Option(
        "--out",
        metavar="FILE",
        help="The output: its extension tells the format; - is standard output. It appears when "
        "it is whole.",
    ),
]
FormOption = Annotated[Form, typer.Option("--format", help="Format of standard input and output.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on where the same command was ended.")
]
ErrorsOption = Annotated[
    OnErrors,
    typer.Option(
        "--errors", help="Rows that do not fit the model end the command, or are set aside."
    ),
]
RefusedOption = Annotated[
    Path | None,
    typer.Option(
        "--refused",
        metavar="FILE",
        help="Where rows that are set aside are written, one JSON object a line.",
        show_default="OUT.refused.ndjson",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the summary as JSON, and no progress.")
]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Blocks computed at once.", show_default="all cores"),
]
WithinRangeOption = Annotated[
    bool,
    typer.Option(
        "--within-range/--beyond-range",
        help="Draw numbers and dates between the ends seen in training, or anywhere in their "
        "support.",
    ),
]
DrawSeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="The same seed gives the same rows.")
]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", help="Of a service that answers in place of this process."),
]

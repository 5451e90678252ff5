"""What the bodies share: the table, the model that answers, the problem document."""

import types
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from madeira.app.errors import InvalidInputError
from madeira.models.echo import MAX_HINTS, cut, did_you_mean, quoted

__all__ = [
    "MAX_SEED",
    "Cell",
    "CellWarning",
    "ModelName",
    "Options",
    "Problem",
    "ProblemCell",
    "RowOptions",
    "Seed",
    "TableInput",
    "Warnings",
    "Whole",
]

Cell = bool | int | float | str | None
"""One value of a table; null is missing, an instant is ISO 8601 text."""

MAX_SEED = 2**63 - 1


def _whole(number: object) -> object:
    """Read 8.0 as the whole number 8, as JSON Schema does."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number; its bounds are those of the field."""

Seed = Annotated[
    Annotated[int, Field(ge=0, le=MAX_SEED), BeforeValidator(_whole)] | None,
    Field(
        description="Same seed, same request, same model: same answer. Without one the service "
        "picks one; the answer names it.",
    ),
]


def _as_text(version: object) -> object:
    """Versions are whole numbers by name, and many write them without quotes."""
    number = _whole(version)
    return str(number) if type(number) is int else version


Version = Annotated[
    str | None,
    BeforeValidator(
        _as_text, json_schema_input_type=Annotated[str, Field(min_length=1)] | int | None
    ),
    Field(
        min_length=1,
        description="The version that must answer; another one being served is an error. Left "
        "out, the one that is served answers, and says which it is.",
    ),
]


def _leaves(annotation: object) -> Iterator[object]:
    """Return the types and literals that an annotation is made of."""
    parts = get_args(annotation)
    if not parts:
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType, Literal):
        for part in parts:
            yield from _leaves(part)


class Options(BaseModel):
    """Options of a request: its query, and its JSON body but the table. Null is the default."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    beside_table: ClassVar[bool] = True
    """Whether the options stand beside a table."""

    model: str | None = Field(
        None,
        min_length=1,
        description="Name of the model; may be left out where there is a default one.",
    )
    version: Version = None

    unknown: Literal["warn", "error"] = Field(
        "warn",
        description="What becomes of a category that training has not seen: it is data, and "
        "`warnings` name it, or it is an error.",
    )

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Check the options of a body.

        Args:
            document: The options by name.

        Raises:
            InvalidInputError: An option is unknown, or its value is not one it can take.
        """
        unknown = document.keys() - cls.model_fields.keys()
        if unknown:
            first = islice((name for name in document if name in unknown), MAX_HINTS)
            raise InvalidInputError(" ".join(map(cls._unknown, first)))
        asked = {name: value for name, value in document.items() if value is not None}
        try:
            return cls.model_validate(asked)
        except ValidationError as error:
            reasons = [cls._explain(one) for one in error.errors(include_url=False)]
        raise InvalidInputError(" ".join(reasons[:MAX_HINTS]))

    @classmethod
    def text_options(cls) -> frozenset[str]:
        """Names of the options that are text, whatever they look like: a model may be called 3."""
        return frozenset(
            name
            for name, field in cls.model_fields.items()
            if any(isinstance(one, str) or one is str for one in _leaves(field.annotation))
        )

    @classmethod
    def _unknown(cls, name: str) -> str:
        known = [*cls.model_fields, *(TableInput.model_fields if cls.beside_table else ())]
        return f"`{cut(name)}` is not an option here.{did_you_mean(name, known)}"

    @classmethod
    def _explain(cls, error: ErrorDetails) -> str:
        name = str(error["loc"][0])
        if error["type"] == "missing":
            return f"`{name}` is missing."
        reason = error["msg"].replace("Input should be", "must be")
        return f"`{name}` {reason}, not {quoted(error['input'])}."


class RowOptions(Options):
    """Options of a request about the rows of a table."""

    bad_cells: Literal["error", "warn"] = Field(
        "error",
        description="What becomes of up to 100 cells that do not fit their column, such as a word "
        "in a column of numbers: they are errors, or they are missing and `warnings` name them.",
    )


class TableInput(BaseModel):
    """A table, as objects or as columns and data."""

    rows: list[dict[str, Cell]] | None = Field(
        None,
        description="One object a row: value by name of column. Null or an absent key is missing.",
    )
    columns: list[str] | None = Field(
        None, description="Names of the columns of `data`, instead of `rows`."
    )
    data: list[list[Cell]] | None = Field(
        None, description="One list of values a row, in the order of `columns`."
    )
    index: list[Any] | None = Field(
        None, description="Beside `columns` and `data`, as pandas writes it; not used."
    )
    dataframe_split: dict[str, Any] | None = Field(
        None, description="An object with `columns` and `data`, as MLflow has it."
    )
    dataframe_records: list[dict[str, Cell]] | None = Field(
        None, description="The same as `rows`, as MLflow has it."
    )
    instances: list[dict[str, Cell]] | list[list[Cell]] | None = Field(
        None, description="The same as `rows`, or lists of values in the order of the model."
    )
    inputs: list[dict[str, Cell]] | list[list[Cell]] | dict[str, list[Cell]] | None = Field(
        None, description="The same as `instances`, or one list a column."
    )


class CellWarning(BaseModel):
    """A category that training has not seen, and where."""

    row: int | None = Field(description="From 0; null for a value that is given.")
    column: str
    value: Cell = Field(description="As it was sent; of a long text its beginning.")
    meant: Cell = Field(description="The category that was probably meant; null where none is.")
    message: str


Warnings = Annotated[
    list[CellWarning] | None,
    Field(
        description="The first 20 cells whose category training has not seen. Only where there "
        "are any; in Arrow in the metadata of the schema, `madeira.warnings`, as JSON."
    ),
]


class ModelName(BaseModel):
    """The model that computed an answer."""

    name: str
    version: str


class ProblemCell(BaseModel):
    """One thing wrong with a table, and where."""

    row: int | None = Field(description="From 0; null where no single row is meant.")
    column: str | None = Field(description="Null where no single column is meant.")
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:madeira:problem:invalid-input",
                "title": "The input does not fit",
                "status": 422,
                "detail": "row 1, column 'body_mass_g': expected a number, got the text 'heavy'",
                "errors": [
                    {
                        "row": 1,
                        "column": "body_mass_g",
                        "message": "expected a number, got the text 'heavy'",
                    }
                ],
            }
        }
    )

    type: str = Field(description="A URI for the kind of problem.")
    title: str = Field(description="The kind of problem in words.")
    status: int
    detail: str = Field(description="What is wrong with this request.")
    request_id: str = Field("", description="As in the header `X-Request-Id`, and in the log.")
    errors: list[ProblemCell] = Field(description="Where in the table; at most 20.")

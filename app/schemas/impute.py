"""Bodies of `POST /impute`."""

from pydantic import BaseModel, Field

from madeira.app.schemas.base import Cell, ModelName, RowOptions, Seed, TableInput, Warnings, Whole
from madeira.models.estimate_names import Estimate

__all__ = ["ImputeOptions", "ImputeRequest", "ImputeResponse", "ImputedCell"]


class ImputeOptions(RowOptions):
    """Options of `POST /impute`."""

    draws: Whole = Field(1, ge=1, description="How many filled tables: multiple imputation.")
    seed: Seed = None
    estimate: Estimate = Field(
        "draw",
        description="What fills a cell: a draw of its distribution given the rest of the row, or "
        "its mean, median or mode. A category's estimate is its most probable value whichever "
        "is asked for.",
    )
    within_range: bool = Field(
        False,
        description="Draw numbers and dates between the smallest and the largest value seen in "
        "training: from the part of their distribution that lies there.",
    )
    fill_all: bool = Field(
        False,
        description="Also fill nulls that are a value of their column; what is drawn may be null "
        "again. By default they stay.",
    )


class ImputeRequest(ImputeOptions, TableInput):
    """Rows to fill."""


class ImputedCell(BaseModel):
    """A cell that was missing."""

    row: int = Field(description="From 0.")
    column: str
    value: Cell = Field(None, description="What it was filled with; with one draw.")
    values: list[Cell] | None = Field(None, description="One a draw; with several draws.")
    probability: float | None = Field(
        None, description="Of the value of a category, given what the row has observed."
    )
    interval: list[Cell] | None = Field(
        None, description="Central 90 % interval of a number, given the same."
    )


class ImputeResponse(BaseModel):
    """The table without gaps; observed cells as they were sent."""

    model: ModelName
    warnings: Warnings = None
    seed: int
    rows: list[dict[str, Cell]] | list[list[dict[str, Cell]]] = Field(
        description="The filled table; with several draws a list of tables."
    )
    imputed: list[ImputedCell] = Field(description="The cells that were filled.")

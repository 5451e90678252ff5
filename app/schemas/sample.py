"""Bodies of `POST /sample`."""

from typing import ClassVar

from pydantic import BaseModel, Field

from madeira.app.schemas.base import Cell, ModelName, Options, Seed, Warnings, Whole

__all__ = ["SampleOptions", "SampleRequest", "SampleResponse"]


class SampleOptions(Options):
    """Options of `POST /sample`."""

    beside_table: ClassVar[bool] = False

    n: Whole = Field(ge=1, description="How many rows.")
    given: dict[str, object] = Field(
        default_factory=dict,
        description="Values that every row has; the others are drawn given them, exactly.",
    )
    seed: Seed = None
    temperature: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="Below 1 more typical rows, above 1 more varied ones.",
    )
    within_range: bool = Field(
        True,
        description="Draw numbers and dates between the smallest and the largest value seen in "
        "training: from the part of their distribution that lies there. Otherwise they are drawn "
        "from all of their support.",
    )
    nulls: bool | None = Field(
        None,
        description="Draw rows with nulls where the training rows have them: which cells are null "
        "first, then the values of the others. Left out, where nothing is given.",
    )
    log_likelihood: bool = Field(
        False, description="Also give the log-likelihood of each row, given values included."
    )


class SampleRequest(SampleOptions):
    """What to draw."""

    given: dict[str, Cell] = Field(  # type: ignore[assignment]
        default_factory=dict,
        description="Values that every row has; the others are drawn given them, exactly.",
    )


class SampleResponse(BaseModel):
    """Rows drawn from the model; they are sent as they are drawn."""

    model: ModelName
    warnings: Warnings = None
    seed: int
    rows: list[dict[str, Cell]]
    log_likelihood: list[float] | None = Field(
        None, description="Nats, one a row, at temperature 1. Only on request."
    )

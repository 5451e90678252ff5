"""Bodies of `POST /score`."""

from typing import Any

from pydantic import BaseModel, Field

from madeira.app.schemas.base import ModelName, RowOptions, TableInput, Warnings

__all__ = ["Reason", "ScoreOptions", "ScoreRequest", "ScoreResponse"]


class ScoreOptions(RowOptions):
    """Options of `POST /score`."""

    contributions: bool = Field(
        False, description="Also give the surprise of each observed value, by column."
    )
    cell_anomaly: bool = Field(
        False, description="Also say how rare each value is given the rest of its row, by column."
    )
    reasons: bool = Field(
        False,
        description="Also say which values make a row an anomaly, and what is expected there.",
    )
    null_pattern: bool = Field(
        False,
        description="Let it count which cells are null, as well as the values of the others: "
        "a null where there is never one is surprising.",
    )
    contamination: float = Field(
        0.01,
        gt=0,
        le=0.5,
        allow_inf_nan=False,
        description="Share of real rows that count as anomalies.",
    )


class ScoreRequest(ScoreOptions, TableInput):
    """Rows to score."""


class Reason(BaseModel):
    """A value that makes a row an anomaly."""

    column: str
    value: Any = Field(description="The value, as the column has it.")
    expected: list[Any] = Field(
        description="The ends of the central 90 % of a number or an instant given the rest of the "
        "row, or the likeliest categories, the likeliest first."
    )
    p: float = Field(
        description="Share of values that are at least as surprising given the rest of the row."
    )


class ScoreResponse(BaseModel):
    """How likely each row is; every list has one entry a row."""

    model: ModelName
    warnings: Warnings = None
    log_likelihood: list[float] = Field(
        description="Nats of what is observed; a density in the units of continuous columns."
    )
    anomaly_score: list[float] = Field(
        description="In [0, 1]: 1 minus the share of real rows that are at least as surprising by "
        "what is observed of them."
    )
    is_anomaly: list[bool] = Field(description="Whether `anomaly_score > 1 - contamination`.")
    contributions: list[dict[str, float | None]] | None = Field(
        None,
        description="Nats by column: -log of the probability of the value given all other "
        "observed values of the row; null where it is missing. Only on request.",
    )
    cell_anomaly: list[dict[str, float | None]] | None = Field(
        None,
        description="In [0, 1] by column: 1 minus the share of values that are at least as "
        "surprising given all other observed values of the row; null where it is missing. Only "
        "on request.",
    )
    reasons: list[list[Reason]] | None = Field(
        None,
        description="Of each row that is an anomaly the values that are rare given the rest and "
        "not what is expected there, the most surprising first. Only on request.",
    )

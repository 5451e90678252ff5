"""Bodies of `POST /invocations` and `POST /v1/models/{name}:predict`."""

from typing import Any

from pydantic import BaseModel, Field

from madeira.app.schemas.base import TableInput

__all__ = ["ModelReady", "PredictRequest", "PredictResponse"]


class PredictRequest(TableInput):
    """A table, and options."""

    params: dict[str, Any] | None = Field(
        None,
        description="`job`: `score`, `sample` or `impute`; `model`, and the options of the job.",
    )
    parameters: dict[str, Any] | None = Field(None, description="The same as `params`.")


class PredictResponse(BaseModel):
    """One prediction a row."""

    predictions: list[dict[str, Any]] = Field(
        description="Scores, filled rows or drawn rows, by name."
    )


class ModelReady(BaseModel):
    """Whether a model can answer."""

    name: str
    ready: bool

"""Bodies of `GET /models`, `GET /models/{name}` and the health checks."""

from typing import Any, Literal

from pydantic import BaseModel, Field

__all__ = [
    "LeftOutColumn",
    "Live",
    "ModelDetail",
    "ModelList",
    "ModelSummary",
    "Ready",
    "RefusedCheckpoint",
    "ReloadResult",
    "WorkerCounts",
]


class ModelSummary(BaseModel):
    """A model that is served, in short."""

    name: str
    version: str
    description: str = Field(description="First paragraph of the model card.")
    columns: int = Field(description="How many columns it models.")
    default: bool = Field(description="Whether it answers requests that name no model.")
    metrics: dict[str, Any] = Field(description="Rows and validation nats of its training.")


class RefusedCheckpoint(BaseModel):
    """A checkpoint that is not served."""

    name: str
    version: str | None
    reason: str


class ModelList(BaseModel):
    """All models."""

    models: list[ModelSummary]
    refused: list[RefusedCheckpoint] = Field(description="Checkpoints that cannot be loaded.")


class ReloadResult(BaseModel):
    """What became of a look for a new version."""

    name: str
    version: str | None = Field(description="The version that is served now.")
    previous: str | None = Field(description="The version that was served before.")
    behind: int = Field(description="API processes that do not serve this version.")
    refused: list[RefusedCheckpoint] = Field(
        description="Versions of this model that cannot be served."
    )


class LeftOutColumn(BaseModel):
    """A column of the training table that is not modelled; requests may contain it."""

    name: str
    reason: str


class ModelDetail(BaseModel):
    """All about one model."""

    name: str
    version: str
    description: str
    default: bool
    columns: list[dict[str, Any]] = Field(
        description="Name, kind, type and domain of each column, and an example value."
    )
    left_out: list[LeftOutColumn]
    metrics: dict[str, Any] = Field(description="How it was trained, and how well.")
    card: str = Field(description="The model card, Markdown.")


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"]


class WorkerCounts(BaseModel):
    """How many workers there are."""

    usable: int = Field(description="Those that compute at present.")
    all: int = Field(description="Those that there should be.")


class Ready(BaseModel):
    """The service can do its work."""

    status: Literal["ready"]
    models: list[str]
    workers: WorkerCounts
    spares: WorkerCounts

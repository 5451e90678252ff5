"""A model of a service, as the bulk commands ask it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa

from madeira.app.client import Client
from madeira.app.client.questions import chunk_seed
from madeira.models.estimate_names import Estimate

__all__ = ["RemoteModel"]

_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class RemoteModel:
    """One version of a model, which no newer one replaces on the way.

    Attributes:
        url: Of the service.
        client: Asks it.
        description: Of the model, as the service gives it.
    """

    url: str
    client: Client
    description: Mapping[str, Any]

    @classmethod
    def of(cls, url: str, model: str, version: str | None) -> Self:
        """Ask a service for a model.

        Args:
            url: Of the service.
            model: Its name.
            version: That must answer; the one that is served by default.

        Raises:
            UnreachableError: There is no service.
            UnknownModelError: It does not serve the model.
        """
        with Client(url, model=model) as client:
            description = client.describe()
        version = version or description["version"]
        return cls(
            url, Client(url, model=model, version=version, timeout_s=_TIMEOUT_S), description
        )

    @property
    def columns(self) -> Sequence[Mapping[str, Any]]:
        """The columns of the model, as `Schema.describe` gives them."""
        found: Sequence[Mapping[str, Any]] = self.description["columns"]
        return found

    @property
    def excluded(self) -> Sequence[str]:
        """Names of the columns that the model excludes."""
        return [column["name"] for column in self.description["left_out"]]

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells it from any other."""
        trained = self.description["metrics"].get("trained_at")
        names = {name: self.description[name] for name in ("name", "version")}
        return {**names, "trained_at": trained, "url": self.url}

    def unseen(self, table: pa.Table) -> Mapping[str, int]:
        """Count nothing: a service names the first of such cells alone."""
        return {}

    def score(self, table: pa.Table, contamination: float, *, reasons: bool) -> pa.Table:
        """Score rows; see `LocalModel.score`."""
        scores: pa.Table = self.client.score(table, reasons=reasons, contamination=contamination)
        return scores

    def impute(
        self,
        table: pa.Table,
        start: int,
        *,
        draws: int,
        seed: int,
        estimate: Estimate,
        within_range: bool,
    ) -> Sequence[pa.Table]:
        """Fill the gaps of rows; see `LocalModel.impute`. Each block has a seed of its own."""
        filled = self.client.impute(table, draws, chunk_seed(seed, start), estimate, within_range)
        return filled if draws > 1 else [filled]

    def sample(
        self,
        start: int,
        rows: int,
        *,
        given: Mapping[str, Any],
        seed: int,
        temperature: float,
        within_range: bool,
        nulls: bool | None,
    ) -> pa.Table:
        """Draw rows; see `LocalModel.sample`. Each block has a seed of its own."""
        own = chunk_seed(seed, start)
        return self.client.sample(rows, given, own, temperature, within_range, nulls)

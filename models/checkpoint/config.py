"""Checks of `config.json` and `metrics.json`, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from madeira.models.echo import escaped
from madeira.models.errors import CheckpointError, ConfigError
from madeira.models.made.config import NetworkConfig

__all__ = ["MAX_MASKS", "MAX_MEMBERS", "StoredMember", "check_metrics", "members_of"]

MAX_MEMBERS, MAX_MASKS, MAX_LAYERS, MAX_NAME = 256, 65_536, 64, 100

_CONFIG, _METRICS = "config.json", "metrics.json"


@dataclass(frozen=True)
class StoredMember:
    """One member of a mixture, as a checkpoint describes it.

    Attributes:
        name: How curves and metrics call it.
        network: Shape of its network.
        masks: How many masks it answers with.
        any_order: Whether it was trained over all orderings.
    """

    name: str
    network: NetworkConfig
    masks: int
    any_order: bool

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the member in `config.json`."""
        return {
            "name": self.name,
            "network": self.network.to_json(),
            "masks": self.masks,
            "any_order": self.any_order,
        }

    @classmethod
    def from_json(cls, entry: object, where: str) -> Self:
        """Read what `to_json` wrote.

        Args:
            entry: The member as read.
            where: Its place in the file, for errors.

        Raises:
            CheckpointError: Names the field and what was expected.
        """
        if not isinstance(entry, dict):
            raise CheckpointError(f"{where} must be an object")
        for field in ("name", "network", "masks", "any_order"):
            if field not in entry:
                raise CheckpointError(f"{where} lacks {field!r}")
        name, masks, any_order = entry["name"], entry["masks"], entry["any_order"]
        if not isinstance(name, str) or len(name) > MAX_NAME:
            raise CheckpointError(f"{where}, name: expected at most {MAX_NAME} characters")
        if type(masks) is not int or not 1 <= masks <= MAX_MASKS:
            raise CheckpointError(
                _expected(f"{where}, masks", f"a whole number from 1 to {MAX_MASKS}", masks)
            )
        if type(any_order) is not bool:
            raise CheckpointError(_expected(f"{where}, any_order", "true or false", any_order))
        return cls(name, _network(entry["network"], f"{where}, network"), masks, any_order)


def members_of(config: Mapping[str, Any]) -> tuple[StoredMember, ...]:
    """Return the members that a configuration describes, one at least.

    Raises:
        CheckpointError: Names the field and what was expected.
    """
    entries = config.get("members")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_MEMBERS:
        count = len(entries) if isinstance(entries, list) else None
        raise CheckpointError(
            _expected(f"{_CONFIG}: members", f"a list of 1 to {MAX_MEMBERS} members", count)
        )
    return tuple(
        StoredMember.from_json(entry, f"{_CONFIG}: members[{place}]")
        for place, entry in enumerate(entries)
    )


def check_metrics(metrics: Mapping[str, Any]) -> None:
    """Check the figures that lists of models show; other entries are not looked at.

    Raises:
        CheckpointError: Names the field and what was expected.
    """
    for field in ("train_rows", "valid_rows"):
        value = metrics.get(field)
        if type(value) is not int or value < 0:
            raise CheckpointError(_expected(f"{_METRICS}: {field}", "a whole number from 0", value))
    for field, needed in (("valid_nats", True), ("test_nats", False)):
        value = metrics.get(field)
        if (needed or value is not None) and type(value) not in (int, float):
            raise CheckpointError(_expected(f"{_METRICS}: {field}", "a number", value))
    for field, needed in (("trained_at", True), ("preset", False)):
        value = metrics.get(field)
        text = isinstance(value, str) and len(value) <= MAX_NAME
        if not text and (needed or value is not None):
            raise CheckpointError(
                _expected(f"{_METRICS}: {field}", f"at most {MAX_NAME} characters", value)
            )


def _network(entry: object, where: str) -> NetworkConfig:
    if not isinstance(entry, dict):
        raise CheckpointError(f"{where} must be an object")
    hidden = entry.get("hidden")
    if not isinstance(hidden, list) or len(hidden) > MAX_LAYERS:
        raise CheckpointError(f"{where}, hidden: expected a list of at most {MAX_LAYERS} widths")
    if any(type(width) is not int for width in hidden):
        raise CheckpointError(_expected(f"{where}, hidden", "whole numbers", hidden))
    for field in ("residual", "conditioning", "direct"):
        if type(entry.get(field)) is not bool:
            raise CheckpointError(_expected(f"{where}, {field}", "true or false", entry.get(field)))
    if not isinstance(entry.get("activation"), str):
        raise CheckpointError(_expected(f"{where}, activation", "a name", entry.get("activation")))
    try:
        return NetworkConfig.from_json(entry)
    except ConfigError as error:
        raise CheckpointError(f"{where}: {error}") from error


def _expected(where: str, expected: str, found: object) -> str:
    return f"{where}: expected {expected}, got {escaped(repr(found), 60)}"

"""The files of a checkpoint directory, each checked against the digest it was written with."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors

from models.columns.schema import Schema
from models.errors import CheckpointError, ModelsError

__all__ = [
    "CARD",
    "CONFIG",
    "FORMAT_VERSION",
    "METRICS",
    "MODEL",
    "SCHEMA",
    "CheckpointFiles",
    "digest_of",
    "explained",
    "to_json_bytes",
]

FORMAT_VERSION = 1
CONFIG, SCHEMA, METRICS, MODEL = "config.json", "schema.json", "metrics.json", "model.safetensors"
CARD = "README.md"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Makes one error of whatever a broken checkpoint can bring about."""
    try:
        yield
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"{path}: {error.filename}: {error.strerror}") from error
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path}: {MODEL} is not a safetensors file: {error}") from error
    except (ModelsError, ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
        message = f"{type(error).__name__}: {error}"
        raise CheckpointError(f"{path}: the files do not fit each other: {message}") from error


@dataclass(frozen=True)
class CheckpointFiles:
    """The files of a directory, each with the digest that it should have."""

    config: Mapping[str, Any]
    schema: Schema
    metrics: Mapping[str, Any]
    card: str
    model: bytes

    @classmethod
    def read(cls, path: Path) -> "CheckpointFiles":
        """Reads a directory; raises CheckpointError for a file that is not as it was written."""
        if not path.is_dir():
            raise CheckpointError(f"{path} is not a directory")
        config = _parse(path / CONFIG, (path / CONFIG).read_bytes())
        if config.get("format_version") != FORMAT_VERSION:
            raise CheckpointError(
                f"{path}: format version {config.get('format_version')!r}, where this version of "
                f"Madeira reads {FORMAT_VERSION}"
            )
        claimed = config.pop("digest", None)
        if claimed != digest_of(to_json_bytes(config)):
            raise CheckpointError(f"{path}: {CONFIG} does not have the digest it was written with")
        contents = {name: (path / name).read_bytes() for name in (MODEL, SCHEMA, METRICS)}
        for name, content in contents.items():
            if digest_of(content) != config["digests"][name]:
                raise CheckpointError(
                    f"{path}: {name} does not have the digest it was written with"
                )
        card = path / CARD
        return cls(
            config,
            Schema.from_json(_parse(path / SCHEMA, contents[SCHEMA])),
            _parse(path / METRICS, contents[METRICS]),
            card.read_text(encoding="utf-8", errors="replace") if card.exists() else "",
            contents[MODEL],
        )


def to_json_bytes(value: object) -> bytes:
    """A JSON file as a checkpoint has it: readable, and always the same for the same value."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _parse(path: Path, content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise CheckpointError(f"{path} is not a JSON object")
    return parsed


def digest_of(content: bytes) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()

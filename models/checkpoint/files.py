"""The files of a checkpoint directory: only regular ones, of bounded size, each with its digest."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from madeira.models.checkpoint.json_text import parse_object, to_json_bytes
from madeira.models.echo import escaped
from madeira.models.errors import CheckpointError

__all__ = [
    "CARD",
    "CONFIG",
    "FORMAT_VERSION",
    "MAX_BYTES",
    "METRICS",
    "MODEL",
    "SCHEMA",
    "CheckpointFiles",
    "digest_of",
    "explained",
]

FORMAT_VERSION = 1
CONFIG, SCHEMA, METRICS, MODEL = "config.json", "schema.json", "metrics.json", "model.safetensors"
CARD = "README.md"

MAX_BYTES: Mapping[str, int] = {
    CONFIG: 2**20,
    SCHEMA: 64 * 2**20,
    METRICS: 16 * 2**20,
    CARD: 2**20,
    MODEL: 4 * 2**30,
}
"""Largest size of each file that is read."""

MAX_OTHER_BYTES, MAX_FILES = 16 * 2**20, 64
"""Largest size of a further file, such as a picture, and how many files there may be."""

_HASHED_AT_ONCE = 2**20
# Opening a pipe that has no writer must not block.
_OPENING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
_OPENING |= getattr(os, "O_BINARY", 0)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn every error that a broken checkpoint can cause into a `CheckpointError`.

    Raises:
        CheckpointError: Any error was raised inside; its message names `path`.
    """
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(error.reason, path) from error
    except OSError as error:
        raise CheckpointError(f"it cannot be read: {error.strerror}", path) from error
    except MemoryError as error:
        raise CheckpointError("there is not enough memory to load it", path) from error
    except Exception as error:
        # The content of the files is not trusted: any error may come of it.
        message = f"the files do not fit each other: {type(error).__name__}: {error}"
        raise CheckpointError(message, path) from error


@dataclass(frozen=True)
class CheckpointFiles:
    """The files of a directory except the weights, each with its expected digest.

    Attributes:
        config: Content of `config.json`, its own digest taken out.
        schema: Content of `schema.json`.
        metrics: Content of `metrics.json`.
        card: The model card; empty where none stands under a digest.
    """

    directory: Path
    config: Mapping[str, Any]
    schema: Mapping[str, Any]
    metrics: Mapping[str, Any]
    card: str

    @classmethod
    def read(cls, path: Path) -> "CheckpointFiles":
        """Read a directory.

        Raises:
            CheckpointError: A file is missing, is no regular file, is too large, is not as it
                was written, or is a link to another place.
        """
        if not path.is_dir():
            raise CheckpointError("it is not a directory")
        directory = path.resolve()
        config = parse_object(CONFIG, _content(directory, CONFIG))
        if config.get("format_version") != FORMAT_VERSION:
            found = escaped(repr(config.get("format_version")), 20)
            raise CheckpointError(
                f"{CONFIG}: format version {found}, where this version of Madeira reads "
                f"{FORMAT_VERSION}"
            )
        claimed = config.pop("digest", None)
        if claimed != digest_of(to_json_bytes(config)):
            raise CheckpointError(f"{CONFIG} does not have the digest it was written with")
        digests = _digests(config)
        contents = {}
        for name, digest in digests.items():
            if name == MODEL:
                continue
            content = _content(directory, name)
            _check_digest(name, digest_of(content), digest)
            if name in MAX_BYTES:
                contents[name] = content
        return cls(
            directory,
            config,
            parse_object(SCHEMA, contents[SCHEMA]),
            parse_object(METRICS, contents[METRICS]),
            contents.get(CARD, b"").decode(errors="replace"),
        )

    @contextmanager
    def weights(self) -> Iterator[tuple[BinaryIO, int]]:
        """Yield the file of weights, open, and its size; its digest is still to be checked."""
        with _opened(self.directory, MODEL) as (file, size):
            yield file, size

    def check_weights(self, file: BinaryIO) -> None:
        """Check the digest of the file of weights from where it stands, without keeping it."""
        digest = hashlib.sha256()
        while part := file.read(_HASHED_AT_ONCE):
            digest.update(part)
        _check_digest(MODEL, digest.hexdigest(), self.config["digests"][MODEL])


def digest_of(content: bytes) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _digests(config: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the digest of each file, by name.

    Raises:
        CheckpointError: Digests are missing, or name files outside the directory.
    """
    digests = config.get("digests")
    if not isinstance(digests, dict) or not all(isinstance(one, str) for one in digests.values()):
        raise CheckpointError(f"{CONFIG}: 'digests' must have a digest for each file")
    if len(digests) > MAX_FILES:
        raise CheckpointError(f"{CONFIG}: 'digests' has more than {MAX_FILES} files")
    for name in (MODEL, SCHEMA, METRICS):
        if name not in digests:
            raise CheckpointError(f"{CONFIG}: 'digests' lacks {name}")
    for name in digests:
        if name != os.path.basename(name) or name in ("", ".", "..") or not name.isprintable():
            raise CheckpointError(f"{CONFIG}: 'digests' names {name!r}, which is no file in here")
    return digests


def _check_digest(name: str, found: str, expected: str) -> None:
    if found != expected:
        raise CheckpointError(f"{name} does not have the digest it was written with")


def _content(directory: Path, name: str) -> bytes:
    with _opened(directory, name) as (file, size):
        return file.read(size)


@contextmanager
def _opened(directory: Path, name: str) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file of a directory, and says how large it is.

    Args:
        directory: Where it lies, links resolved.
        name: Its name.

    Raises:
        CheckpointError: It is missing, too large, something else, or leads out of the directory.
    """
    try:
        real = (directory / name).resolve(strict=True)
        if not real.is_relative_to(directory):
            raise CheckpointError(f"{name} is a link that leaves the checkpoint")
        descriptor = os.open(real, _OPENING)
    except FileNotFoundError as error:
        raise CheckpointError(f"{name} is missing") from error
    except OSError as error:
        raise CheckpointError(f"{name} cannot be read: {error.strerror}") from error
    except RuntimeError as error:
        raise CheckpointError(f"{name} is a link that leads in a circle") from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise CheckpointError(f"{name} is not a regular file")
        limit = MAX_BYTES.get(name, MAX_OTHER_BYTES)
        if found.st_size > limit:
            raise CheckpointError(f"{name} has {found.st_size:,} bytes; the most is {limit:,}")
        yield file, found.st_size

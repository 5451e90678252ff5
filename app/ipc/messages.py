"""Jobs and results as messages, merged and split.

Generic over the dataclasses of `madeira.app.jobs`: a field that holds an array travels as an array,
the model as its name and version, every other field as JSON. A field that is added there needs
nothing here.

Jobs of one group (the same kind, model and options, arrays that differ in their rows alone) are
merged by putting their rows one after the other; the rows of the result are split where they were.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np

from madeira.app.errors import FrameError
from madeira.app.ipc.frames import AnyArray, Frame
from madeira.app.jobs import (
    ROW_AXIS,
    ImputeJob,
    ImputeResult,
    Job,
    ModelKey,
    SampleJob,
    SampleResult,
    ScoreJob,
    ScoreResult,
)

__all__ = [
    "Message",
    "concat",
    "empty_like",
    "merge_key_of",
    "row_count",
    "split",
    "to_job",
    "to_message",
    "to_result",
    "write_rows",
]

Result = TypeVar("Result")

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (ScoreJob, SampleJob, ImputeJob, ScoreResult, SampleResult, ImputeResult)
}


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """A job or a result as a header and arrays.

    Attributes:
        header: Its kind, its model and its options, JSON values.
        arrays: The rest.
    """

    header: dict[str, Any]
    arrays: dict[str, AnyArray]


def to_message(whole: object) -> Message:
    """Convert a job or a result to a message."""
    header: dict[str, Any] = {"kind": type(whole).__name__}
    arrays: dict[str, AnyArray] = {}
    for name in _names(cast(Hashable, type(whole))):
        value = getattr(whole, name)
        if isinstance(value, np.ndarray):
            arrays[name] = value
        elif isinstance(value, ModelKey):
            header[name] = (value.name, value.version)
        else:
            header[name] = value
    return Message(header, arrays)


def to_job(header: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Job[Any]:
    """Convert a header and arrays to a job.

    Args:
        header: The fields that are no arrays, and the name of the kind.
        arrays: The other fields, by name; the first axis of each counts rows.

    Raises:
        FrameError: The parts are not those of a job.
    """
    job = _whole(header, arrays)
    if not isinstance(job, Job):
        raise FrameError(f"expected a job, not {type(job).__name__}")
    return job


def to_result(frame: Frame) -> object:
    """Convert a frame to a result.

    Raises:
        FrameError: It holds none.
    """
    return _whole(frame.header, frame.arrays)


def _whole(header: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> object:
    kind = _KINDS.get(str(header.get("kind")))
    if kind is None:
        raise FrameError("a frame of no known kind")
    found: dict[str, Any] = {}
    for name in _names(cast(Hashable, kind)):
        if name in arrays:
            found[name] = arrays[name]
        elif name not in header:
            raise FrameError(f"{kind.__name__} without {name}")
        elif name == "model":
            found[name] = _key(header[name])
        else:
            found[name] = header[name]
    return kind(**found)


def _key(pair: object) -> ModelKey:
    match pair:
        case [str(name), str(version)]:
            return ModelKey(name, version)
    raise FrameError("a model is a name and a version")


def merge_key_of(parts: Message) -> object:
    """Return the key that jobs must share to be merged."""
    shapes = [(name, array.dtype, array.shape[1:]) for name, array in parts.arrays.items()]
    return parts.header, shapes


def concat(arrays: Sequence[Mapping[str, AnyArray]]) -> Mapping[str, AnyArray]:
    """Concatenate the arrays of several jobs of one group."""
    if len(arrays) == 1:
        return arrays[0]
    return {name: np.concatenate([one[name] for one in arrays]) for name in arrays[0]}


def split(result: Result, rows: Sequence[int]) -> Iterator[Result]:
    """Split the result of a merged job into those of its parts.

    Args:
        result: Of the whole.
        rows: How many rows each part has.
    """
    if len(rows) == 1:
        yield result
        return
    kind = type(result)
    axes = [
        (name, value, axis if isinstance(value, np.ndarray) else None)
        for name, axis in _axes(cast(Hashable, kind))
        for value in [getattr(result, name)]
    ]
    start = 0
    for count in rows:
        here = slice(start, start + count)
        yield kind(
            **{
                name: value if axis is None else value[(slice(None),) * axis + (here,)]
                for name, value, axis in axes
            }
        )
        start += count


def row_count(result: object) -> int:
    """Return the number of rows of a result."""
    name, axis = _axes(cast(Hashable, type(result)))[0]
    return int(getattr(result, name).shape[axis])


def empty_like(result: Result, rows: int) -> Result:
    """Return an empty result like another one, to be filled by `write_rows`.

    Args:
        result: Says the fields, their types, and their shapes but for the rows.
        rows: Rows of the new one.
    """
    kind = type(result)
    found: dict[str, Any] = {}
    for name, axis in _axes(cast(Hashable, kind)):
        value = getattr(result, name)
        if isinstance(value, np.ndarray):
            value = np.empty((*value.shape[:axis], rows, *value.shape[axis + 1 :]), value.dtype)
        found[name] = value
    return kind(**found)


def write_rows(whole: object, start: int, part: object) -> None:
    """Write the rows of a part into a whole.

    Args:
        whole: See `empty_like`.
        start: Row of the whole that is the first of the part.
        part: A result of the same kind.
    """
    here = slice(start, start + row_count(part))
    for name, axis in _axes(cast(Hashable, type(part))):
        value = getattr(part, name)
        if isinstance(value, np.ndarray):
            getattr(whole, name)[(slice(None),) * axis + (here,)] = value


@cache
def _names(kind: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cast(Any, kind)))


@cache
def _axes(kind: Hashable) -> tuple[tuple[str, int], ...]:
    return tuple((field.name, field.metadata.get(ROW_AXIS, 0)) for field in fields(cast(Any, kind)))

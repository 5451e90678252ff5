"""The batcher of a worker: waiting jobs are merged, computed and answered.

The next job is the one with the earliest due time: its arrival plus a multiple of its expected
duration. So a single row overtakes the next thousands, and those are not postponed for ever.
Waiting jobs of the same group join the batch as long as the whole stays within the budget.
"""

import logging
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from madeira.app.errors import FrameError
from madeira.app.ipc.frames import AnyArray, Buffers, Frame, encode_frame
from madeira.app.ipc.heartbeat import MAX_FRAMES, Heartbeat
from madeira.app.ipc.messages import Message, concat, merge_key_of, split, to_job, to_message
from madeira.app.jobs import Job
from madeira.app.workers.batch_size import BatchSizer
from madeira.models.errors import CheckpointError, NumericalError, OrderingError
from madeira.models.inference.density import Density

__all__ = ["Batcher", "DeviceLostError", "Execute", "QueuedFrame", "Sink", "to_queued_frame"]

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""A job is due this many times its expected duration after its arrival."""

LOAD_LIMIT_S = 600.0
"""Seconds that loading a model on first use may take, kernels compiled."""

Execute = Callable[[Job[Any], Density], Any]
Slices = list[tuple[int, int]]


class DeviceLostError(Exception):
    """The device is lost to this process; only another process can use it."""


class Sink(Protocol):
    """Receiver of answers."""

    def send(self, buffers: Buffers) -> None:
        """Send a frame, without waiting for the reader."""


@dataclass(slots=True, eq=False)
class QueuedFrame:
    """A frame of jobs of one group that waits to be computed.

    Attributes:
        sink: Where its answer goes.
        number: Number of the frame, unique among all senders.
        message: The jobs, their rows one after the other.
        rows: Number of rows of each job.
        cost: Cost of all jobs.
        alone: Whether it must not be merged with others.
        group: Key of the frames that it may be merged with.
        queued_at: Time of its arrival, monotonic seconds.
        dropped: Places of the jobs whose results are no longer wanted.
    """

    sink: Sink
    number: int
    message: Message
    rows: list[int]
    cost: float
    alone: bool
    group: object
    queued_at: float
    dropped: set[int] = field(default_factory=set)

    @property
    def kind(self) -> Hashable:
        """Key of the jobs that take the same time for the same cost."""
        return self.message.header["kind"], tuple(self.message.header["model"])


def to_queued_frame(frame: Frame, sink: Sink) -> QueuedFrame:
    """Read a frame of jobs.

    Args:
        frame: The frame; its arrays hold the rows of all jobs, one job after the other.
        sink: Where the results go.

    Raises:
        FrameError: It is none.
    """
    header = frame.header
    number, rows = header.pop("number", None), header.pop("rows", None)
    cost, alone = header.pop("cost", None), header.pop("alone", False)
    if not isinstance(number, int) or not 0 <= number < 2**64:
        raise FrameError("a frame of jobs has a number")
    if not isinstance(rows, list) or not rows or not all(type(n) is int and n >= 0 for n in rows):
        raise FrameError("a frame of jobs says how many rows each has")
    if not isinstance(cost, int | float) or not cost >= 0:
        raise FrameError("a frame of jobs has a cost")
    to_job(header, frame.arrays)
    message = Message(header, frame.arrays)
    if any(len(array) != sum(rows) for array in frame.arrays.values() if array.ndim) or any(
        array.ndim == 0 for array in frame.arrays.values()
    ):
        raise FrameError("the arrays of a frame have other rows than it says")
    now = time.monotonic()
    return QueuedFrame(sink, number, message, rows, cost, bool(alone), merge_key_of(message), now)


class Batcher:
    """The jobs that wait at a worker, computed in batches.

    Args:
        density: Returns the density of a model.
        execute: Computes a job.
        heartbeat: Gets the frames of a batch before it is computed.
        sizer: Learns the size of batches.
        job_timeout_s: Seconds that a batch may take.
    """

    def __init__(
        self,
        density: Callable[[Any], Density],
        execute: Execute,
        heartbeat: Heartbeat,
        sizer: BatchSizer,
        job_timeout_s: float,
    ) -> None:
        self._density = density
        self._execute = execute
        self._heartbeat = heartbeat
        self._sizer = sizer
        self._limit_s = job_timeout_s
        self.waiting: list[QueuedFrame] = []

    def add(self, queued: QueuedFrame) -> None:
        """Queue a frame."""
        self.waiting.append(queued)

    def drop(self, sink: Sink, dropped: dict[int, set[int]] | None = None) -> None:
        """Forget jobs whose results are no longer wanted.

        Args:
            sink: Where their answers would have gone.
            dropped: Places of jobs by number of their frame; None drops all of the sink.
        """
        for queued in self.waiting:
            if queued.sink is sink:
                places = range(len(queued.rows)) if dropped is None else ()
                queued.dropped.update(places or (dropped or {}).get(queued.number, ()))
        self.waiting = [one for one in self.waiting if len(one.dropped) < len(one.rows)]

    def waits_s(self, delay_s: float) -> float:
        """Return the seconds to wait for more work; 0 if there is enough."""
        weight = sum(one.cost / self._sizer.budget(one.kind) for one in self.waiting)
        if weight >= 1 or delay_s == 0:
            return 0.0
        return max(0.0, delay_s - (time.monotonic() - min(one.queued_at for one in self.waiting)))

    def step(self) -> None:
        """Compute and answer one batch.

        Raises:
            DeviceLostError: The device is lost to this process.
        """
        batch = self._take()
        try:
            self._compute(batch, [_kept(queued) for queued in batch])
        except DeviceLostError:
            raise
        except Exception as error:
            if len(batch) == 1 and len(batch[0].rows) - len(batch[0].dropped) == 1:
                self._refuse(batch[0], _kept(batch[0])[0][0], error)
                return
            for queued in batch:
                self._one_by_one(queued)
        finally:
            self._heartbeat.beat(self._limit_s)

    def _take(self) -> list[QueuedFrame]:
        """Take out the next batch."""
        sizer = self._sizer
        self.waiting.sort(
            key=lambda one: (
                one.queued_at + PATIENCE * sizer.target_s * one.cost / sizer.budget(one.kind)
            )
        )
        first = self.waiting[0]
        batch, cost, budget = [first], first.cost, sizer.budget(first.kind)
        if not first.alone:
            for one in self.waiting[1:]:
                fits = cost + one.cost <= budget and len(batch) < MAX_FRAMES
                if fits and one.group == first.group and not one.alone:
                    batch.append(one)
                    cost += one.cost
        taken = set(map(id, batch))
        self.waiting = [one for one in self.waiting if id(one) not in taken]
        return batch

    def _compute(self, batch: list[QueuedFrame], kept: list[Slices]) -> None:
        header = batch[0].message.header
        self._heartbeat.beat(LOAD_LIMIT_S, [one.number for one in batch])
        arrays = [_rows(one, slices) for one, slices in zip(batch, kept, strict=True)]
        job = to_job(header, concat(arrays))
        density = self._density(job.model)
        self._heartbeat.beat(self._limit_s, [one.number for one in batch])
        begun = time.perf_counter()
        with _DeviceErrors():
            result = self._execute(job, density)
        seconds = time.perf_counter() - begun
        cost = sum(one.cost for one in batch)
        budget = self._sizer.learn(batch[0].kind, cost, seconds)
        sizes = [
            sum(one.rows[place] for place, _ in slices)
            for one, slices in zip(batch, kept, strict=True)
        ]
        for queued, slices, part in zip(batch, kept, split(result, sizes), strict=True):
            message = to_message(part)
            answer = {
                **message.header,
                "number": queued.number,
                "places": [place for place, _ in slices],
                "seconds": seconds,
                "batch": len(job.values),
                "budget": budget,
            }
            queued.sink.send(encode_frame(answer, message.arrays))

    def _one_by_one(self, queued: QueuedFrame) -> None:
        """Compute each job of a frame alone, so that only the one at fault fails.

        Raises:
            DeviceLostError: The device is lost to this process.
        """
        for slice_ in _kept(queued):
            try:
                self._compute([queued], [[slice_]])
            except DeviceLostError:
                raise
            except Exception as error:
                self._refuse(queued, slice_[0], error)

    def _refuse(self, queued: QueuedFrame, place: int, error: Exception) -> None:
        """Answer that a job failed."""
        match error:
            case OrderingError():
                code, message = "ordering", str(error)
            case CheckpointError():
                code, message = "checkpoint", str(error)
            case NumericalError():
                log.error("a job of %s failed: %s", queued.message.header["model"][0], error)
                code, message = "numerical", str(error)
            case MemoryError() | torch.OutOfMemoryError() | RuntimeError() if _is_memory(error):
                code, message = "memory", "not enough memory"
            case _:
                log.error("a job failed", exc_info=error)
                code, message = "internal", type(error).__name__
        answer = {
            "kind": "error",
            "number": queued.number,
            "places": [place],
            "code": code,
            "message": message,
        }
        queued.sink.send(encode_frame(answer, {}))


def _is_memory(error: Exception) -> bool:
    """Whether memory ran out; PyTorch says so of the CPU's memory in words only."""
    return not isinstance(error, RuntimeError) or (
        isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
    )


def _kept(queued: QueuedFrame) -> Slices:
    """Return the place of each job that is still wanted, and its first row."""
    start, slices = 0, []
    for place, rows in enumerate(queued.rows):
        if place not in queued.dropped:
            slices.append((place, start))
        start += rows
    return slices


def _rows(queued: QueuedFrame, slices: Slices) -> Mapping[str, AnyArray]:
    """Return the arrays of some jobs of a frame."""
    if len(slices) == len(queued.rows):
        return queued.message.arrays
    return concat(
        [
            {
                name: array[start : start + queued.rows[place]]
                for name, array in queued.message.arrays.items()
            }
            for place, start in slices
        ]
    )


class _DeviceErrors:
    """Converts errors after which the device is lost to `DeviceLostError`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, torch.AcceleratorError):
            raise DeviceLostError(str(error)) from error

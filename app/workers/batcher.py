"""Batches: what waits at a worker is merged, computed and answered.

Which work is next: each job is due when it came plus some times as long as it should take, so
that a row that came while thousands were being computed goes before the next thousands, and
those are not put off for ever. With it goes what waits of the same group, as far as the whole
should take no longer than the budget.
"""

import logging
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from madeira.app.ipc.frames import AnyArray, Buffers, Frame, FrameError, encode_frame
from madeira.app.ipc.heartbeat import FRAMES_LIMIT, Journal
from madeira.app.ipc.messages import Parts, cut, group_of, job_of, join, parts_of
from madeira.app.jobs import Job
from madeira.app.workers.batch_size import Pace
from madeira.models.errors import CheckpointError, NumericalError, OrderingError
from madeira.models.inference.density import Density

__all__ = ["Computing", "DeviceLostError", "Execute", "Outlet", "Pending", "pending_of"]

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""A job is due when it came plus this many times what it should take."""

LOAD_LIMIT_S = 600.0
"""Most seconds that a model may take to be loaded, kernels compiled, on first use."""

Execute = Callable[[Job[Any], Density], Any]
Slices = list[tuple[int, int]]


class DeviceLostError(Exception):
    """The device does not compute any more in this process; only another process can use it."""


class Outlet(Protocol):
    """Where answers go."""

    def send(self, buffers: Buffers) -> None:
        """Sends a frame, without waiting for the reader."""


@dataclass(slots=True, eq=False)
class Pending:
    """A frame of jobs of one group that waits to be computed.

    Attributes:
        outlet: Where its answer goes.
        number: Of the frame, unique among all senders.
        parts: The jobs, their rows one after the other.
        rows: How many rows each job has.
        cost: Of all jobs together.
        alone: Whether it may not be merged with others.
        group: What it may be merged with.
        came: When it came, monotonic seconds.
        dropped: Places of the jobs that nobody waits for any more.
    """

    outlet: Outlet
    number: int
    parts: Parts
    rows: list[int]
    cost: float
    alone: bool
    group: object
    came: float
    dropped: set[int] = field(default_factory=set)

    @property
    def kind(self) -> Hashable:
        """Of what kind of work it is, as far as its speed goes."""
        return self.parts.header["kind"], tuple(self.parts.header["model"])


def pending_of(frame: Frame, outlet: Outlet) -> Pending:
    """Reads a frame of jobs.

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
    job_of(header, frame.arrays)
    parts = Parts(header, frame.arrays)
    if any(len(array) != sum(rows) for array in frame.arrays.values() if array.ndim) or any(
        array.ndim == 0 for array in frame.arrays.values()
    ):
        raise FrameError("the arrays of a frame have other rows than it says")
    now = time.monotonic()
    return Pending(outlet, number, parts, rows, cost, bool(alone), group_of(parts), now)


class Computing:
    """What waits at a worker, and what it does with it.

    Args:
        density: Finds the model of a job.
        execute: Computes a job.
        journal: Told what is computed, before it is.
        pace: Says how much work takes how long.
        job_timeout_s: Seconds that a batch may take.
    """

    def __init__(
        self,
        density: Callable[[Any], Density],
        execute: Execute,
        journal: Journal,
        pace: Pace,
        job_timeout_s: float,
    ) -> None:
        self._density = density
        self._execute = execute
        self._journal = journal
        self._pace = pace
        self._limit_s = job_timeout_s
        self.waiting: list[Pending] = []

    def add(self, pending: Pending) -> None:
        """Takes a frame in."""
        self.waiting.append(pending)

    def drop(self, outlet: Outlet, dropped: dict[int, set[int]] | None = None) -> None:
        """Forgets jobs that nobody waits for.

        Args:
            outlet: Where their answers would have gone.
            dropped: Places of jobs by number of their frame; None drops all of the outlet.
        """
        for pending in self.waiting:
            if pending.outlet is outlet:
                places = range(len(pending.rows)) if dropped is None else ()
                pending.dropped.update(places or (dropped or {}).get(pending.number, ()))
        self.waiting = [one for one in self.waiting if len(one.dropped) < len(one.rows)]

    def waits_s(self, delay_s: float) -> float:
        """Seconds for which it is worth waiting for more work; 0 where there is enough."""
        weight = sum(one.cost / self._pace.budget(one.kind) for one in self.waiting)
        if weight >= 1 or delay_s == 0:
            return 0.0
        return max(0.0, delay_s - (time.monotonic() - min(one.came for one in self.waiting)))

    def step(self) -> None:
        """Computes and answers one batch of what waits."""
        batch = self._take()
        try:
            self._compute(batch, [_kept(pending) for pending in batch])
        except DeviceLostError:
            raise
        except Exception as error:
            if len(batch) == 1 and len(batch[0].rows) - len(batch[0].dropped) == 1:
                self._refuse(batch[0], _kept(batch[0])[0][0], error)
                return
            for pending in batch:
                self._one_by_one(pending)
        finally:
            self._journal.begin(self._limit_s)

    def _take(self) -> list[Pending]:
        """The batch that is next."""
        pace = self._pace
        self.waiting.sort(
            key=lambda one: one.came + PATIENCE * pace.target_s * one.cost / pace.budget(one.kind)
        )
        first = self.waiting[0]
        batch, cost, budget = [first], first.cost, pace.budget(first.kind)
        if not first.alone:
            for one in self.waiting[1:]:
                fits = cost + one.cost <= budget and len(batch) < FRAMES_LIMIT
                if fits and one.group == first.group and not one.alone:
                    batch.append(one)
                    cost += one.cost
        taken = set(map(id, batch))
        self.waiting = [one for one in self.waiting if id(one) not in taken]
        return batch

    def _compute(self, batch: list[Pending], kept: list[Slices]) -> None:
        header = batch[0].parts.header
        self._journal.begin(LOAD_LIMIT_S, [one.number for one in batch])
        arrays = [_rows(one, slices) for one, slices in zip(batch, kept, strict=True)]
        job = job_of(header, join(arrays))
        density = self._density(job.model)
        self._journal.begin(self._limit_s, [one.number for one in batch])
        begun = time.perf_counter()
        with _DeviceErrors():
            result = self._execute(job, density)
        seconds = time.perf_counter() - begun
        cost = sum(one.cost for one in batch)
        budget = self._pace.learn(batch[0].kind, cost, seconds)
        sizes = [
            sum(one.rows[place] for place, _ in slices)
            for one, slices in zip(batch, kept, strict=True)
        ]
        for pending, slices, part in zip(batch, kept, cut(result, sizes), strict=True):
            parts = parts_of(part)
            answer = {
                **parts.header,
                "number": pending.number,
                "places": [place for place, _ in slices],
                "seconds": seconds,
                "batch": len(job.values),
                "budget": budget,
            }
            pending.outlet.send(encode_frame(answer, parts.arrays))

    def _one_by_one(self, pending: Pending) -> None:
        """Computes each job of a frame alone, so that only the guilty fails."""
        for slice_ in _kept(pending):
            try:
                self._compute([pending], [[slice_]])
            except DeviceLostError:
                raise
            except Exception as error:
                self._refuse(pending, slice_[0], error)

    def _refuse(self, pending: Pending, place: int, error: Exception) -> None:
        """Answers that a job failed."""
        match error:
            case OrderingError():
                code, message = "ordering", str(error)
            case CheckpointError():
                code, message = "checkpoint", str(error)
            case NumericalError():
                log.error("a job of %s failed: %s", pending.parts.header["model"][0], error)
                code, message = "numerical", str(error)
            case MemoryError() | torch.OutOfMemoryError() | RuntimeError() if _is_memory(error):
                code, message = "memory", "not enough memory"
            case _:
                log.error("a job failed", exc_info=error)
                code, message = "internal", type(error).__name__
        answer = {
            "kind": "error",
            "number": pending.number,
            "places": [place],
            "code": code,
            "message": message,
        }
        pending.outlet.send(encode_frame(answer, {}))


def _is_memory(error: Exception) -> bool:
    """Whether memory ran out; PyTorch says so of the CPU's in words only."""
    return not isinstance(error, RuntimeError) or (
        isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
    )


def _kept(pending: Pending) -> Slices:
    """Place of each job that is still wanted, and its first row."""
    start, slices = 0, []
    for place, rows in enumerate(pending.rows):
        if place not in pending.dropped:
            slices.append((place, start))
        start += rows
    return slices


def _rows(pending: Pending, slices: Slices) -> Mapping[str, AnyArray]:
    """The arrays of some jobs of a frame."""
    if len(slices) == len(pending.rows):
        return pending.parts.arrays
    return join(
        [
            {
                name: array[start : start + pending.rows[place]]
                for name, array in pending.parts.arrays.items()
            }
            for place, start in slices
        ]
    )


class _DeviceErrors:
    """Tells errors after which the device is lost to this process from all others."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, torch.AcceleratorError):
            raise DeviceLostError(str(error)) from error

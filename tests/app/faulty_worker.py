"""A worker that computes like any other, except what is marked, which makes it die, hang, fail ...

`python -m tests.app.faulty_worker CONFIGURATION` runs in the place of
`madeira.app.workers.process`.
"""

import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from madeira.app.ipc.frames import Buffers
from madeira.app.jobs import Job
from madeira.app.workers.execute import execute
from madeira.app.workers.process import Connection, main
from madeira.models import DensityEstimator
from madeira.models.arrays import Float64
from madeira.models.inference.density import Density

__all__ = [
    "CODES", "DEADLY", "DEADLY_VERSION", "ENDLESS", "ENDLESS_VERSION", "FAILING", "HELD", "LARGE",
    "LOST", "MARKS", "SENSELESS", "held", "marked",
]  # fmt: skip

DEADLY, ENDLESS, FAILING, HELD, LOST, LARGE, SENSELESS = map(float, range(6661, 6668))
"""Values that no column of the tests has; wherever they stand in a job, it happens."""

MARKS = (DEADLY, ENDLESS, FAILING, HELD, LOST, LARGE, SENSELESS)

CODES = "FAULTY_WORKER_CODES"
"""Environment variable with what stands for each of the marks in a job, where it is not itself."""

_CODES = dict(zip(json.loads(os.environ.get(CODES, "[]")), MARKS, strict=False))


def held(owner: int) -> Path:
    """While this file is there, workers of an owner hold what is marked so."""
    return Path(tempfile.gettempdir()) / f"held-by-{owner}"


def marked(values: Float64, mark: float) -> Float64:
    """Return the same rows, with a mark in a cell of the first of them."""
    values = np.array(values)
    values[0, -1] = mark
    return values


def _execute(job: Job[Any], density: Density) -> object:
    found = set(job.values[np.isin(job.values, [*MARKS, *_CODES])])
    marks = {_CODES.get(mark, mark) for mark in found}
    if DEADLY in marks:
        os.kill(os.getpid(), signal.SIGKILL)
    if ENDLESS in marks:
        time.sleep(3600)
    if FAILING in marks:
        raise ValueError("a secret")
    if LOST in marks and held(os.getppid()).exists():
        held(os.getppid()).unlink()  # the device is there again for the next worker
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
    if LARGE in marks:
        torch.ones(2**28, dtype=torch.float64)
    if SENSELESS in marks:
        _send_senseless()
    if HELD in marks:
        while held(os.getppid()).exists():
            time.sleep(0.005)
    if marks & {HELD, LOST}:
        rows = np.where(np.isin(job.values, list(found)), np.nan, job.values)
        job = replace(job, values=rows)
    return execute(job, density)


def _send_senseless() -> None:
    """Have this worker answer with bytes that are no frame."""

    def send(self: Connection, buffers: Buffers) -> None:
        self.socket.sendall(b"senseless" * 10)

    Connection.send = send  # type: ignore[method-assign]


ENDLESS_VERSION, DEADLY_VERSION = "6662", "6661"
"""Versions that are never done loading, and that kill who loads them."""


def _load(path: Path, device: str) -> DensityEstimator:
    if Path(path).name == ENDLESS_VERSION:
        time.sleep(3600)
    if Path(path).name == DEADLY_VERSION:
        os.kill(os.getpid(), signal.SIGKILL)
    return _load_as_ever(path, device=device)


_load_as_ever = DensityEstimator.load

if __name__ == "__main__":
    DensityEstimator.load = _load  # type: ignore[method-assign, assignment]
    main(sys.argv[1:], _execute)

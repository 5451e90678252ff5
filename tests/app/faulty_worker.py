"""A worker that computes like any other, except what is marked: kills, hangs, fails, waits, loses.

`python -m tests.app.faulty_worker CONFIGURATION` runs in the place of `app.workers.process`.
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

from app.jobs import Array, Job
from app.workers.execute import execute
from app.workers.process import main
from models.inference.density import Density

__all__ = ["CODES", "DEADLY", "ENDLESS", "FAILING", "HELD", "LOST", "MARKS", "held", "marked"]

DEADLY, ENDLESS, FAILING, HELD, LOST = 6661.0, 6662.0, 6663.0, 6664.0, 6665.0
"""Values that no column of the tests has; wherever they stand in a job, it happens."""

MARKS = (DEADLY, ENDLESS, FAILING, HELD, LOST)

CODES = "FAULTY_WORKER_CODES"
"""Environment variable with what stands for each of the marks in a job, where it is not itself."""

_CODES = dict(zip(json.loads(os.environ.get(CODES, "[]")), MARKS, strict=False))


def held(owner: int) -> Path:
    """While this file is there, workers of an owner hold what is marked so."""
    return Path(tempfile.gettempdir()) / f"held-by-{owner}"


def marked(values: Array, mark: float) -> Array:
    """The same rows, with a mark in a cell of the first of them."""
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
    if HELD in marks:
        while held(os.getppid()).exists():
            time.sleep(0.005)
    if marks & {HELD, LOST}:
        rows = np.where(np.isin(job.values, list(found)), np.nan, job.values)
        job = replace(job, values=rows)
    return execute(job, density)


if __name__ == "__main__":
    main(sys.argv[1:], _execute)

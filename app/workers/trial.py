"""The trial of a version: it must answer all kinds of jobs on rows that it draws.

The files of a checkpoint may be whole and still describe what cannot compute. Before a version is
served, the worker that loaded it has it draw a few rows, and score, sample and impute with them.
"""

import time
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np

from madeira.app.codecs.json.text import encode
from madeira.app.jobs import ImputeJob, Job, ModelKey, SampleJob, ScoreJob
from madeira.app.workers.execute import execute
from madeira.models.arrays import Float64
from madeira.models.errors import CheckpointError, OrderingError
from madeira.models.estimate_names import Estimate
from madeira.models.inference.density import Density
from madeira.models.inference.noise import draw_noise, noise_generator
from madeira.models.schema.schema import Schema

__all__ = ["TRIAL_ROWS", "try_out"]

TRIAL_ROWS = 8
"""Rows that are drawn and scored; fewer are sampled from and imputed."""

_FEW_ROWS = 2


def try_out(key: ModelKey, schema: Schema, density: Density, limit_s: float) -> None:
    """Let a density compute each kind of job on some of its own rows.

    Args:
        key: What it is called.
        schema: Its columns.
        density: The density, warm.
        limit_s: Seconds that all jobs together may take.

    Raises:
        CheckpointError: It cannot answer, answers what is not finite, or
            takes too long.
    """
    begun = time.monotonic()
    try:
        noise = draw_noise(TRIAL_ROWS, density.noise_width, noise_generator(0))
        rows = density.sample(np.full((TRIAL_ROWS, density.variables), np.nan), noise)
        encode(schema.describe())  # as `GET /models/{name}` does
        again = schema.encode(schema.decode(rows))
        for job in _jobs(key, density, again):
            try:
                execute(job, density)
            except OrderingError:
                continue  # a model of fixed orderings says so, and serves what it can
            seconds = time.monotonic() - begun
            if seconds > limit_s:
                raise CheckpointError(
                    f"it took {seconds:.0f} s for {len(rows)} of its own rows; the most is "
                    f"{limit_s:g} s"
                )
    except CheckpointError:
        raise
    except Exception as error:
        message = f"it fails on its own rows: {type(error).__name__}: {error}"
        raise CheckpointError(message) from error


def _jobs(key: ModelKey, density: Density, rows: Float64) -> Iterator[Job[Any]]:
    few = rows[:_FEW_ROWS]
    gappy, nothing = few.copy(), np.full(few.shape, np.nan)
    gappy[:, 1::2] = np.nan
    yield ScoreJob(key, rows, contributions=False)
    yield ScoreJob(key, gappy, contributions=False)
    yield ScoreJob(key, few[:1], contributions=True)
    noise = np.full((len(few), density.noise_width), 0.5)
    for values in (nothing, gappy):
        for within_range in (False, True):
            yield SampleJob(key, values, noise, 1.0, True, within_range)
    if density.joint is not None:
        further = np.full((len(few), density.joint.noise_width), 0.5)
        yield SampleJob(key, nothing, further, 1.0, True, nulls=True)
        yield ScoreJob(key, gappy, contributions=True, null_pattern=True)
    for estimate in get_args(Estimate):
        yield ImputeJob(key, gappy, noise[:, None], 1, estimate)

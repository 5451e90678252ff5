"""The computation of a job: a pure function of the job and the model.

Arrays in, arrays out; nothing of the web. Run again, elsewhere or beside others, a job gives the
same result, so a worker may stand in another process or on another machine.
"""

from typing import cast

import numpy as np

from madeira.app.jobs import (
    ImputeJob,
    ImputeResult,
    Job,
    ResultT,
    SampleJob,
    SampleResult,
    ScoreJob,
    ScoreResult,
)
from madeira.models.errors import NumericalError
from madeira.models.inference.density import Density, rarity
from madeira.models.inference.impute import impute
from madeira.models.inference.null_pattern import sample_with_nulls, with_pattern
from madeira.models.inference.reasons import find_reasons

__all__ = ["execute"]


def execute(job: Job[ResultT], density: Density) -> ResultT:
    """Compute a job.

    Args:
        job: What is asked, with everything the result depends on.
        density: The model that the job names.

    Raises:
        OrderingError: The model cannot be conditioned on what is observed.
        NumericalError: A result is not finite.
        TypeError: The job is of no known kind.
    """
    result: object  # of the type that the job's own type names
    match job:
        case ScoreJob():
            result = _score(job, density)
        case SampleJob():
            result = _sample(job, density)
        case ImputeJob():
            result = _impute(job, density)
        case _:
            raise TypeError(f"not a job: {type(job).__name__}")
    return cast(ResultT, result)


def _score(job: ScoreJob, density: Density) -> ScoreResult:
    columns, values, asked = job.values.shape[1], job.values, density
    if job.null_pattern and density.joint is not None:
        asked, values = density.joint, with_pattern(density.joint, values)
    log_likelihood, log_tail = asked.log_tails(values)
    score, reasons = rarity(log_tail), None
    if job.reasons is not None:
        reasons = find_reasons(density, job.values, score > job.reasons)
    return ScoreResult(
        log_likelihood=log_likelihood,
        anomaly_score=score,
        cell_anomaly=asked.cell_anomaly(values)[:, :columns] if job.cell_anomaly else None,
        reasons=reasons,
        contributions=asked.contributions(values)[:, :columns] if job.contributions else None,
    )


def _sample(job: SampleJob, density: Density) -> SampleResult:
    options = job.noise, job.temperature, job.within_range
    if job.nulls and density.joint is not None:
        values = sample_with_nulls(density, job.values, *options)
    else:
        values = density.sample(job.values, *options)
    return SampleResult(values, density.score(values) if job.log_likelihood else None)


def _impute(job: ImputeJob, density: Density) -> ImputeResult:
    options = (job.draws, job.estimate, job.within_range)
    imputation = impute(density, job.values, job.noise, *options)
    missing = np.isnan(job.values)
    # What is missing is filled, with a probability or an interval: NaN says that there is none.
    sure = np.where(np.isnan(imputation.lower), imputation.probability, imputation.upper)
    filled = np.isfinite(imputation.draws).all() and np.isfinite(sure[missing]).all()
    if not filled or np.isinf(imputation.lower).any():
        raise NumericalError("an imputed value is not a finite number")
    return ImputeResult(
        tables=imputation.draws,
        probability=imputation.probability,
        lower=imputation.lower,
        upper=imputation.upper,
    )

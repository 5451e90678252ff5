"""What the workers of a service are to be like."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from madeira.app.logs import LogFormat
from madeira.app.settings import Settings

__all__ = ["WORKER_MODULE", "WorkerPlan", "worker_plan"]

WORKER_MODULE = "madeira.app.workers.process"


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What the workers of a service are to be like.

    Attributes:
        devices: Where each of them computes.
        threads: CPU threads of each.
        checkpoints: Directory of the models.
        job_timeout_s: Seconds that a batch may take before its worker is replaced.
        batch_target_s: Seconds that a merged batch should take.
        batch_delay_s: Seconds that a worker waits for more work while there is little.
        log_level: Least severe log message that is written.
        log_format: Form of the log, `text` or `json`.
        module: What a worker runs.
        load_timeout_s: Seconds that loading a model may take.
        memory_limit_bytes: Most memory of data of each worker; None for any.
        spares: Workers beside those of `devices`, which stand in where one of them is missing.
    """

    devices: Sequence[str]
    threads: int
    checkpoints: Path
    job_timeout_s: float
    batch_target_s: float
    batch_delay_s: float
    log_level: str
    log_format: LogFormat = "text"
    module: str = WORKER_MODULE
    load_timeout_s: float = 300.0
    memory_limit_bytes: int | None = None
    spares: int = 0


def worker_plan(settings: Settings, module: str = WORKER_MODULE) -> WorkerPlan:
    """The workers that a service of these settings has; see also `madeira.app.processes.spares`."""
    limit = settings.worker_memory_limit_mb
    return WorkerPlan(
        devices=settings.worker_devices,
        threads=settings.worker_threads,
        checkpoints=settings.search_path,
        job_timeout_s=settings.job_timeout_s,
        batch_target_s=settings.batch_target_ms / 1000,
        batch_delay_s=settings.batch_delay_ms / 1000,
        log_level=settings.log_level,
        log_format=settings.log_format,
        module=module,
        load_timeout_s=settings.load_timeout_s,
        memory_limit_bytes=None if limit is None else limit * 2**20,
        spares=settings.spare_workers or 0,
    )

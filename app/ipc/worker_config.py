"""What a worker is told when it is started."""

from collections.abc import Sequence
from dataclasses import dataclass

from madeira.app.logs import LogFormat

__all__ = ["WORKER_MODULE", "WorkerConfig", "WorkerPlan"]

WORKER_MODULE = "madeira.app.workers.process"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPlan:
    """Number and kind of the workers of a service.

    Attributes:
        devices: Device of each worker.
        spares: Number of workers beside those of `devices`, which stand in for a missing one.
        threads: CPU threads of each worker.
        checkpoints: Directories of the models.
        job_timeout_s: Seconds that a batch may take before its worker is replaced.
        load_timeout_s: Seconds that loading a model may take.
        batch_target_s: Seconds that a merged batch should take.
        batch_delay_s: Seconds that a worker waits for more work while there is little.
        memory_limit_bytes: Most memory of data of each worker; None for any.
        log_level: Least severe log message that is written.
        log_format: Form of the log, `text` or `json`.
        module: Module that a worker runs.
    """

    devices: Sequence[str]
    spares: int = 0
    threads: int
    checkpoints: str
    job_timeout_s: float
    load_timeout_s: float = 300.0
    batch_target_s: float
    batch_delay_s: float
    memory_limit_bytes: int | None = None
    log_level: str
    log_format: LogFormat = "text"
    module: str = WORKER_MODULE


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig(WorkerPlan):
    """What one worker is told when it is started.

    Attributes:
        socket: Path of the socket it listens on.
        heartbeat: Path of its heartbeat.
        device: Device that it computes on.
        owner: Number of the process that started it.
        status_fd: Where it writes one byte when it listens; its end tells the owner of its death.
    """

    socket: str
    heartbeat: str
    device: str
    owner: int
    status_fd: int

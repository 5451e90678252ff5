"""What a worker is told when it is started."""

from dataclasses import dataclass

from madeira.app.logs import LogFormat

__all__ = ["WorkerConfig"]


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What a worker is told when it is started.

    Attributes:
        socket: Path of the socket it listens on.
        heartbeat: Path of its heartbeat.
        checkpoints: Directory of the models.
        device: Where it computes.
        owner: Number of the process that started it.
        status_fd: Where it writes one byte when it listens; its end tells the owner of its death.
        job_timeout_s: Seconds that a batch may take.
        load_timeout_s: Seconds that loading a model may take.
        batch_target_s: Seconds that a merged batch should take.
        batch_delay_s: Seconds to wait for more work while there is little.
        memory_limit_bytes: Most memory of data that it may have; None for any.
        log_level: Least severe log message that is written.
        log_format: Form of the log, `text` or `json`.
    """

    socket: str
    heartbeat: str
    checkpoints: str
    device: str
    owner: int
    status_fd: int
    job_timeout_s: float
    load_timeout_s: float
    batch_target_s: float
    batch_delay_s: float
    memory_limit_bytes: int | None
    log_level: str
    log_format: LogFormat = "text"

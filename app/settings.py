"""Settings of the service: read once, from the environment and from the flags of `madeira serve`.

`MADEIRA_PORT=9000 madeira serve` and `madeira serve --port 9000` are the same; a flag wins. A
variable that begins with `MADEIRA_` and names no setting stops start-up: otherwise a misspelt limit
would be ignored silently.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from madeira.app.errors import SettingsError
from madeira.models.echo import did_you_mean
from madeira.models.model_directories import default_search_path, directories_of

__all__ = ["COUNTS_VARIABLE", "Settings", "settings_table"]

PREFIX = "MADEIRA_"

NOT_SETTINGS = frozenset({"MADEIRA_DATA"})
"""Variables that are not settings of the service: the data folder of the benchmarks."""

COUNTS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Variable of prometheus-client: the directory in which several API processes count. It is set by
the process that starts them, and read when `madeira.app.metrics` is imported."""


def _devices(value: str) -> str:
    for entry in value.split(","):
        kind, colon, number = entry.strip().partition(":")
        if kind not in ("cpu", "cuda") or bool(colon) != number.isdecimal():
            raise ValueError("expected 'cpu', 'cpu:2' for two workers, 'cuda' or 'cuda:0,cuda:1'")
        if kind == "cpu" and colon and int(number) == 0:
            raise ValueError("expected at least one worker: 'cpu:1'")
    return value


def _pins(value: str | None) -> str | None:
    for entry in (value or "").split(",") if value else ():
        name, _, version = entry.strip().rpartition("=")
        if not name or not version.isdecimal():
            raise ValueError("expected 'name=3', or several of these with commas")
    return value


class Settings(BaseSettings):
    """All settings with their defaults; the unit is part of the name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; `0.0.0.0` for all interfaces."
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one."
    )
    checkpoints: Path | None = Field(
        default=None,
        description="Directories of the models, `<name>/<version>/`, separated by colons; unset: "
        "`~/.local/share/madeira/models`, where trained ones are saved, and the bundled one.",
    )
    devices: Annotated[str, AfterValidator(_devices)] = Field(
        default="cpu",
        description="Devices of the workers, one process each: `cpu`, `cpu:2` (two workers), "
        "`cuda`, `cuda:0,cuda:1`.",
    )
    spare_workers: int | None = Field(
        default=None,
        ge=0,
        description="Idle workers that replace one that dies at once; unset: one beside a single "
        "CPU worker if there is enough memory, else none.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="CPU threads of each worker; unset: the cores that API processes "
        "leave, shared among CPU workers.",
    )
    api_processes: int = Field(
        default=1, ge=1, description="Processes that read requests and write answers."
    )
    default_model: str | None = Field(
        default=None,
        min_length=1,
        description="Model of a request that names none; unset: the served one, if there is one.",
    )
    body_limit_bytes: int = Field(
        default=64 * 2**20,
        ge=1024,
        description="Maximum size of a request body; a larger one is answered 413.",
    )
    request_limit_rows: int = Field(
        default=1_000_000,
        ge=1,
        description="Maximum rows in one `/score` or `/impute` (rows times draws) request.",
    )
    request_limit_cost: int = Field(
        default=10_000_000,
        ge=1,
        description="Maximum work of one `/score` or `/impute` request (rows scored, cells drawn).",
    )
    request_memory_limit_bytes: int = Field(
        default=2**30,
        ge=2**20,
        description="Maximum memory of bodies, tables and results of all large requests together "
        "in an API process; one request may use half of it; more is answered 429.",
    )
    sample_limit_rows: int = Field(
        default=10_000_000, ge=1, description="Maximum rows of one `/sample` request."
    )
    draws_limit: int = Field(
        default=100, ge=1, description="Maximum draws of one `/impute` request."
    )
    compute_chunk_rows: int = Field(
        default=8192,
        ge=1,
        description="Maximum rows of a chunk; others run between the chunks of a large request.",
    )
    stream_chunk_rows: int = Field(
        default=4096, ge=1, description="Rows of a chunk that `/sample` draws and sends."
    )
    queue_limit_cost: int = Field(
        default=4_000_000,
        ge=1,
        description="Maximum work in the queue (rows scored, cells drawn); more is answered 429. "
        "Of a large request, its queued chunks count.",
    )
    queue_limit_requests: int = Field(
        default=256,
        ge=1,
        description="Maximum requests in flight; more are answered 429.",
    )
    deadline_s: float = Field(
        default=300.0,
        gt=0,
        description="Seconds after which a request is answered 504; `X-Deadline-Ms` sets fewer. "
        "For `/sample`, it holds for each chunk that is sent.",
    )
    job_timeout_s: float = Field(
        default=60.0,
        gt=0,
        description="Maximum seconds of one batch; a worker that takes longer is replaced.",
    )
    load_timeout_s: float = Field(
        default=300.0,
        gt=0,
        description="Maximum seconds to load a model in a worker; a version that takes longer is "
        "rejected.",
    )
    worker_wait_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds that requests wait if there is no worker; after that they are "
        "answered 503.",
    )
    worker_memory_limit_mb: int | None = Field(
        default=None,
        ge=256,
        description="Maximum data of a worker, megabytes; a request that needs more is answered "
        "500, others are not affected.",
    )
    batch_target_ms: float = Field(
        default=4.0, gt=0, description="Target duration of a batch, milliseconds."
    )
    batch_delay_ms: float = Field(
        default=0.0,
        ge=0,
        description="Milliseconds that an idle worker waits to fill a batch; 0 never waits.",
    )
    header_timeout_s: float = Field(
        default=10.0,
        gt=0,
        description="Maximum seconds for the headers of a request; after that it is answered 408.",
    )
    body_timeout_s: float = Field(
        default=20.0,
        gt=0,
        description="Seconds in which a body must arrive at `min_transfer_bytes_s` or faster; "
        "else the request is answered 408.",
    )
    answer_timeout_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds in which an answer must be read at `min_transfer_bytes_s` or faster; "
        "else the connection is closed.",
    )
    min_transfer_bytes_s: int = Field(
        default=500, ge=1, description="Minimum speed of a client, bytes a second."
    )
    keep_alive_s: float = Field(
        default=75.0,
        gt=0,
        description="Maximum idle seconds of a connection; load balancers should close first.",
    )
    limit_connections: int = Field(
        default=4096,
        ge=1,
        description="Maximum connections of an API process, within its limit of open files; above "
        "it idle ones are closed, or new ones answered 503.",
    )
    drain_timeout_s: int = Field(
        default=30, ge=0, description="Seconds for requests in flight to finish at shutdown."
    )
    pin: Annotated[str | None, AfterValidator(_pins)] = Field(
        default=None,
        description="Versions to serve instead of the highest ones: `name=3,other=1`.",
    )
    reload_interval_s: float = Field(
        default=10.0,
        ge=0,
        description="Seconds between checks for new versions; 0 never checks.",
    )
    memory_limit_mb: int | None = Field(
        default=None,
        ge=1,
        description="Maximum size of the models in a worker, megabytes; the least recently used "
        "are unloaded.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Format of the log: text for people, or one JSON object a line."
    )
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        default="info", description="Minimum severity of log messages."
    )

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """Device of each worker."""
        found: list[str] = []
        for entry in self.devices.split(","):
            kind, _, number = entry.strip().partition(":")
            found += ["cpu"] * int(number or 1) if kind == "cpu" else [entry.strip()]
        return tuple(found)

    @property
    def search_path(self) -> Path:
        """Directories of models, absolute; see `madeira.models.model_directories`."""
        found = directories_of(self.checkpoints or default_search_path())
        return Path(os.pathsep.join(str(one.absolute()) for one in found))

    @property
    def pins(self) -> dict[str, str]:
        """Versions to serve instead of the highest ones, by name of the model."""
        entries = (entry.strip().rpartition("=") for entry in (self.pin or "").split(",") if entry)
        return {name: version for name, _, version in entries}

    @property
    def worker_threads(self) -> int:
        """CPU threads of each worker."""
        if self.threads is not None:
            return self.threads
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        # Threads stall at their barriers if an API process uses one of their cores.
        free = (cores or 1) - self.api_processes
        return max(1, free // max(1, self.worker_devices.count("cpu")))

    @classmethod
    def read(cls, **flags: Any) -> Self:
        """Read settings from the environment and from flags.

        Args:
            flags: Values by name of the setting, which override the environment unless None.

        Raises:
            SettingsError: A variable names no setting, or a value is invalid.
        """
        _refuse_unknown(os.environ)
        try:
            return cls(**{name: value for name, value in flags.items() if value is not None})
        except ValidationError as error:
            raise SettingsError("; ".join(map(_explain, error.errors()))) from error


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    for variable in sorted(environment):
        name = variable.upper()
        if name.startswith(PREFIX) and name not in known and name not in NOT_SETTINGS:
            hint = did_you_mean(name, known)
            raise SettingsError(f"{variable} is not a setting of madeira.{hint}")


def _explain(error: ErrorDetails) -> str:
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{name} is not a setting of madeira.{did_you_mean(name, Settings.model_fields)}"
    reason = error["msg"].removeprefix("Value error, ")
    return f"{PREFIX}{name.upper()} (--{name.replace('_', '-')}) = {error['input']!r}: {reason}"


def settings_table() -> str:
    """Return the settings as a Markdown table, for `docs/settings.md`."""
    lines = ["| variable | flag | default | meaning |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "unset" if field.default is None else f"`{field.default}`"
        flag = f"--{name.replace('_', '-')}"
        lines.append(f"| `{PREFIX}{name.upper()}` | `{flag}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"

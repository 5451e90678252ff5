"""Settings of the service: read once, from the environment and from the flags of `madeira serve`.

`MADEIRA_PORT=9000 madeira serve` and `madeira serve --port 9000` say the same; a flag wins.
A variable that begins with `MADEIRA_` and names no setting stops start-up: a misspelt limit
that is silently ignored is worse than a service that does not start.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from madeira.app.errors import SettingsError
from madeira.app.model_directories import default_search_path, directories_of
from madeira.models.echo import did_you_mean

__all__ = ["Settings", "settings_table"]

PREFIX = "MADEIRA_"

NOT_SETTINGS = frozenset({"MADEIRA_DATA"})
"""Variables of the project that are none of the service's: where the benchmarks find data."""


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
    """What can be set, with its default; the unit stands in the name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on; `0.0.0.0` for all.")
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one."
    )
    checkpoints: Path | None = Field(
        default=None,
        description="Directories of the models to serve, `<name>/<version>/`, with colons between "
        "them; unset: `~/.local/share/madeira/models`, where trained ones go, and the bundled one.",
    )
    devices: Annotated[str, AfterValidator(_devices)] = Field(
        default="cpu",
        description="Where the models compute, a worker process each: `cpu`, `cpu:2` (two "
        "workers), `cuda`, `cuda:0,cuda:1`.",
    )
    spare_workers: int | None = Field(
        default=None,
        ge=0,
        description="Workers that stand in at once where another one dies; unset: one beside a "
        "single CPU worker where memory allows, else none.",
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
        description="Model of a request that names none; unset: the only one served, if it is.",
    )
    body_limit_bytes: int = Field(
        default=64 * 2**20,
        ge=1024,
        description="Largest request body; a larger one is answered 413.",
    )
    request_limit_rows: int = Field(
        default=1_000_000,
        ge=1,
        description="Most rows in one `/score` or `/impute` (rows times draws) request.",
    )
    request_limit_cost: int = Field(
        default=10_000_000,
        ge=1,
        description="Most work of one `/score` or `/impute` request (rows scored, cells drawn).",
    )
    request_memory_limit_bytes: int = Field(
        default=2**30,
        ge=2**20,
        description="Most memory that bodies, tables and results of all large requests may take "
        "together in an API process, one of them half of it; more is answered 429.",
    )
    sample_limit_rows: int = Field(
        default=10_000_000, ge=1, description="Most rows one `/sample` request may ask for."
    )
    draws_limit: int = Field(
        default=100, ge=1, description="Most draws one `/impute` request may ask for."
    )
    compute_chunk_rows: int = Field(
        default=8192,
        ge=1,
        description="Rows computed at a time; a larger request lets others in between its chunks.",
    )
    stream_chunk_rows: int = Field(
        default=4096, ge=1, description="Rows `/sample` draws and sends at a time."
    )
    queue_limit_cost: int = Field(
        default=4_000_000,
        ge=1,
        description="Most work that may wait (rows scored, cells drawn); more is answered 429. "
        "A large request counts with its chunks that wait at the same time.",
    )
    queue_limit_requests: int = Field(
        default=256,
        ge=1,
        description="Most requests that may be under way at once; more are answered 429.",
    )
    deadline_s: float = Field(
        default=300.0,
        gt=0,
        description="Seconds after which a request is answered 504; `X-Deadline-Ms` sets fewer. "
        "Rows that `/sample` sends as they are drawn have as long for each part.",
    )
    job_timeout_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds that one batch may compute; a worker that takes longer is replaced.",
    )
    load_timeout_s: float = Field(
        default=300.0,
        gt=0,
        description="Seconds that a worker may take to load a model; a version that takes longer "
        "is refused.",
    )
    worker_wait_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds that requests wait where no worker can compute; then they are "
        "answered 503 until one can.",
    )
    worker_memory_limit_mb: int | None = Field(
        default=None,
        ge=256,
        description="Most megabytes of data of a worker; a request that would need more is "
        "answered 500, and nobody else is harmed.",
    )
    batch_target_ms: float = Field(
        default=4.0, gt=0, description="Milliseconds of computation that batches are cut to."
    )
    batch_delay_ms: float = Field(
        default=0.0,
        ge=0,
        description="Milliseconds that a worker with little to do waits for more; 0 never waits.",
    )
    header_timeout_s: float = Field(
        default=10.0,
        gt=0,
        description="Seconds that the headers of a request may take; then it is answered 408.",
    )
    body_timeout_s: float = Field(
        default=20.0,
        gt=0,
        description="Seconds after which it is asked whether `min_transfer_bytes_s` of a body have "
        "come; else the request is answered 408.",
    )
    answer_timeout_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds after which it is asked whether `min_transfer_bytes_s` of an answer "
        "have been read; else the connection is closed.",
    )
    min_transfer_bytes_s: int = Field(
        default=500, ge=1, description="Bytes a second of a client that is not too slow."
    )
    keep_alive_s: float = Field(
        default=75.0,
        gt=0,
        description="Seconds that a connection may be idle; let balancers before it close first.",
    )
    limit_connections: int = Field(
        default=4096,
        ge=1,
        description="Most connections of an API process, and never more than its limit of open "
        "files leaves; then idle ones are closed, or new ones answered 503.",
    )
    drain_timeout_s: int = Field(
        default=30, ge=0, description="Seconds that requests under way get to finish on shutdown."
    )
    pin: Annotated[str | None, AfterValidator(_pins)] = Field(
        default=None,
        description="Versions to serve in the place of the highest ones: `name=3,other=1`.",
    )
    reload_interval_s: float = Field(
        default=10.0,
        ge=0,
        description="Seconds between looks at the checkpoints for new versions; 0 never looks.",
    )
    memory_limit_mb: int | None = Field(
        default=None,
        ge=1,
        description="Most megabytes of models in a worker; those not asked for are unloaded first.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Form of the log: for people, or one JSON object a line."
    )
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        default="info", description="Least severe log message that is written."
    )

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """The device of each worker."""
        found: list[str] = []
        for entry in self.devices.split(","):
            kind, _, number = entry.strip().partition(":")
            found += ["cpu"] * int(number or 1) if kind == "cpu" else [entry.strip()]
        return tuple(found)

    @property
    def search_path(self) -> Path:
        """The directories of models, absolute, as `madeira.app.model_directories` reads them."""
        found = directories_of(self.checkpoints or default_search_path())
        return Path(os.pathsep.join(str(one.absolute()) for one in found))

    @property
    def pins(self) -> dict[str, str]:
        """The version to serve, by name of model."""
        entries = (entry.strip().rpartition("=") for entry in (self.pin or "").split(",") if entry)
        return {name: version for name, _, version in entries}

    @property
    def worker_threads(self) -> int:
        """CPU threads of each worker."""
        if self.threads is not None:
            return self.threads
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        # Threads that wait for each other stall where an API process takes one of their cores.
        free = (cores or 1) - self.api_processes
        return max(1, free // max(1, self.worker_devices.count("cpu")))

    @classmethod
    def read(cls, **flags: Any) -> Self:
        """Settings from the environment, overruled by `flags`.

        Args:
            flags: Values by name of setting; None leaves a setting to the environment.

        Raises:
            SettingsError: A variable names no setting, or a value is not one it can take.
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
    """The settings as a Markdown table, for `docs/settings.md`."""
    lines = ["| variable | flag | default | meaning |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "unset" if field.default is None else f"`{field.default}`"
        flag = f"--{name.replace('_', '-')}"
        lines.append(f"| `{PREFIX}{name.upper()}` | `{flag}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"

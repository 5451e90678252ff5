"""The default number of spare workers, by the free memory."""

import logging
from collections.abc import Iterator
from pathlib import Path

from madeira.app.settings import Settings
from madeira.models.model_directories import directories_of

__all__ = ["available_bytes", "with_spares"]

log = logging.getLogger(__name__)

WORKER_BYTES = 600 * 2**20
"""What a worker takes before it holds a model: Python, PyTorch and compiled kernels."""

COPIES = 2
"""A worker holds weights about twice: as they are stored, and folded with the masks."""

MARGIN = 3
"""What is free must be this many times what a spare takes: batches and bodies need memory too."""

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")


def with_spares(settings: Settings) -> Settings:
    """Return the settings with the number of spare workers filled in.

    Where it is not set, a single CPU worker gets a spare if there is memory for it; of several
    workers each stands in for the others.

    Args:
        settings: As they were read.
    """
    if settings.spare_workers is not None:
        return settings
    spares = int(settings.worker_devices == ("cpu",) and _has_memory(settings))
    return settings.model_copy(update={"spare_workers": spares})


def _has_memory(settings: Settings) -> bool:
    directories = directories_of(settings.search_path)
    try:
        files = [path for one in directories for path in one.glob("*/*/model.safetensors")]
        size = sum(path.stat().st_size for path in files)
    except OSError:
        return False  # what they take is not known
    if settings.memory_limit_mb is not None:
        size = min(size, settings.memory_limit_mb * 2**20 // COPIES)
    needed = WORKER_BYTES + COPIES * size
    free = available_bytes()
    # The worker itself is not there yet.
    if free is not None and free >= needed + MARGIN * needed:
        return True
    log.info("there is no memory for a spare worker of about %d MB", needed // 2**20)
    return False


def available_bytes(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int | None:
    """Return the free memory, of the machine and within the control group.

    Args:
        proc: Where the kernel shows processes and memory.
        cgroups: Where it shows control groups.

    Returns:
        Bytes; None where the system does not tell.
    """
    try:
        lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return None
    for group in _groups(proc, cgroups):
        for limit, used in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            try:
                left = int((group / limit).read_text()) - int((group / used).read_text())
            except (OSError, ValueError):  # the other version, or no limit
                continue
            free = min(free, left)
    return max(0, free)


def _groups(proc: Path, cgroups: Path) -> Iterator[Path]:
    """Yield the control groups that may bound the memory of this process, and those around them."""
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top = cgroups
        elif "memory" in controllers.split(","):
            top = cgroups / "memory"
        else:
            continue
        own = top / path.lstrip("/")
        yield from (group for group in (own, *own.parents) if group.is_relative_to(top))

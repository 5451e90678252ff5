"""Writing the directory of a checkpoint: whole or not at all, and nothing of others is touched.

The files are written to a directory beside their place, which is then renamed. A process that is
killed on the way leaves that directory behind. It holds a file with a mark, locked as long as the
process lives. The next save in the same place removes directories that have the mark, belong to the
same user and are no longer locked.
"""

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from madeira.models.version_numbers import MAX_ENTRIES

try:
    import fcntl
except ImportError:  # Windows: leftovers stay
    fcntl = None  # type: ignore[assignment]

__all__ = ["moved", "unfinished"]

_PREFIX, _MARK_NAME = ".saving-", ".madeira-saving"
_MARK = b"A checkpoint that madeira is writing.\n"
_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EACCES})


@contextlib.contextmanager
def unfinished(parent: Path, files: Mapping[str, bytes]) -> Iterator[Path]:
    """Make a directory with some files, flushed to the disk; it is removed at the end unless moved.

    Args:
        parent: Where it is made; what killed processes left there is removed.
        files: Their contents, by name.

    Raises:
        OSError: It cannot be written.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(parent)
    beside = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        with (beside / _MARK_NAME).open("wb") as mark:
            if fcntl is not None:
                fcntl.flock(mark, fcntl.LOCK_EX)
            mark.write(_MARK)
            mark.flush()
            for name, content in files.items():
                with (beside / name).open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def moved(beside: Path, place: Path) -> bool:
    """Give a finished directory its place, unless something is there.

    Renaming never replaces a directory that is not empty, even if another process takes its place.

    Args:
        beside: The finished directory.
        place: Its place.

    Returns:
        Whether it was moved.

    Raises:
        OSError: It cannot be moved for another reason.
    """
    if place.exists():
        return False
    beside.chmod(0o755)
    try:
        beside.rename(place)
    except OSError as error:
        if error.errno in _TAKEN and place.exists():
            return False
        raise
    (place / _MARK_NAME).unlink(missing_ok=True)
    return True


def _remove_leftovers(parent: Path) -> None:
    """Remove directories that killed processes of this user were writing."""
    if fcntl is None:
        return
    with os.scandir(parent) as entries:
        found = [one.path for one in islice(entries, MAX_ENTRIES) if one.name.startswith(_PREFIX)]
    for path in map(Path, found):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                continue
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(path / _MARK_NAME, flags)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held while it is written
                if os.read(descriptor, len(_MARK) + 1) == _MARK:
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)

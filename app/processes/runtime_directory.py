"""The runtime directory of a service: made for its user alone, and removed by its mark only.

A service that was killed leaves its directory behind, and the next one removes it. Other programs
and people make directories in the same place, so a name proves nothing. A directory is removed
only if all of this holds:

- its name is one that `RuntimeDirectory` makes;
- it is a directory and no link, owned by this user, with mode 0700;
- its mark, a file that only the maker writes, names this directory: name, device, inode, user,
  and the boot of the machine. A copy has another inode, a look-alike has no such file;
- no process holds its lock;
- everything in it is a file or socket that a service makes, and owned by this user.

One thing that does not fit, and the whole directory stays as it is.
"""

import contextlib
import fcntl
import json
import logging
import os
import re
import secrets
import stat
import tempfile
from pathlib import Path

from madeira.app.errors import RuntimeDirectoryError

__all__ = ["METRICS", "RuntimeDirectory", "remove_abandoned"]

log = logging.getLogger(__name__)

METRICS = "metrics"
"""Folder in the runtime directory in which several API processes count together."""

MAX_PATH = 80
"""Longest path of a runtime directory. The path of a Unix socket has about a hundred characters."""

MAX_MARK_BYTES = 4096

_SHORT_PLACE = Path("/tmp")  # noqa: S108 - the directory in it has mode 0700 and a random name
_NAME = re.compile(r"madeira-[0-9a-f]{24}")
_MARK = "madeira.json"
_FILE = re.compile(
    r"madeira\.json|supervisor\.json(\.new)?|supervisor\.heartbeat|[0-9]+-[0-9]+\.heartbeat"
)
_SOCKET = re.compile(r"([0-9]+|api-[0-9]+)\.sock")
_COUNTS = re.compile(r"[a-z_]+_[0-9]+\.db")
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class RuntimeDirectory:
    """A new directory for this user alone, with a path short enough for a socket.

    Its lock is held as long as this object is open. The lock is on the directory itself, which
    also keeps programs away that clean temporary files by age.

    Attributes:
        path: Where it is.

    Raises:
        RuntimeDirectoryError: There is no place for it.
    """

    def __init__(self) -> None:
        self.path = _place() / f"madeira-{secrets.token_hex(12)}"
        self._descriptor = -1
        try:
            self._make()
        except OSError as error:
            raise RuntimeDirectoryError(
                f"cannot make the directory {self.path}: {(error.strerror or str(error)).lower()}; "
                "TMPDIR names another place"
            ) from error

    def _make(self) -> None:
        os.mkdir(self.path, 0o700)
        descriptor = os.open(self.path, _OPEN_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The mark comes after the lock: no other service can find it without.
            mark = os.open(_MARK, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=descriptor)
            with open(mark, "wb") as file:
                file.write(_mark(self.path.name, os.fstat(descriptor)))
        except BaseException:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                (self.path / _MARK).unlink(missing_ok=True)
                self.path.rmdir()
            raise
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor

    def ensure(self) -> None:
        """Make the directory again at the same place if it is gone.

        Raises:
            OSError: It cannot be made.
        """
        if not os.path.lexists(self.path):
            log.error("the runtime directory %s was removed and is made again", self.path)
            self._make()

    def remove(self) -> None:
        """Remove it, if it holds only what a service makes, and release its lock."""
        if self._descriptor < 0:
            return
        _remove(self.path, self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1


def remove_abandoned() -> None:
    """Remove the directories of services that were killed."""
    for place in {Path(tempfile.gettempdir()), _place()}:
        try:
            names = [name for name in os.listdir(place) if _NAME.fullmatch(name)]
        except OSError:
            continue
        for name in names:
            # A directory that cannot be opened, or is locked, is in use.
            with contextlib.suppress(OSError):
                descriptor = os.open(place / name, _OPEN_DIRECTORY)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(place / name, descriptor)
                finally:
                    os.close(descriptor)


def _place() -> Path:
    """Return the place of runtime directories: TMPDIR, or /tmp if that path is too long.

    Raises:
        RuntimeDirectoryError: No temporary directory can be written to.
    """
    try:
        place = Path(tempfile.gettempdir())
    except OSError as error:
        raise RuntimeDirectoryError(
            "no temporary directory can be written to; set TMPDIR to one with free space"
        ) from error
    longest = len(os.fsencode(place / f"madeira-{'0' * 24}"))
    return place if longest <= MAX_PATH else _SHORT_PLACE


def _mark(name: str, found: os.stat_result) -> bytes:
    """Return the content of the mark of a directory."""
    document = {
        "made by": "madeira serve",
        "name": name,
        "device": found.st_dev,
        "inode": found.st_ino,
        "user": os.geteuid(),
        "boot": _boot(),
    }
    return json.dumps(document).encode()


def _boot() -> str:
    """Return an id of this boot of the machine; empty if the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _remove(path: Path, descriptor: int) -> None:
    """Remove a directory whose lock is held, if a service has made all of it."""
    with contextlib.suppress(OSError):
        contents = _made_by_a_service(path, descriptor)
        if contents is None:
            return
        for name in contents:
            if name == METRICS:
                os.rmdir(name, dir_fd=descriptor)
            else:
                os.unlink(name, dir_fd=descriptor)
        os.rmdir(path)  # fails where something has been put into it meanwhile


def _made_by_a_service(path: Path, descriptor: int) -> list[str] | None:
    """Check whether a service has made a directory and all that is in it.

    Returns:
        What is in it, in the order in which it can be removed, the mark last; None if anything is
        not of a service's making.

    Raises:
        OSError: Something cannot be looked at.
    """
    found = os.fstat(descriptor)
    named = os.lstat(path)
    same = (named.st_dev, named.st_ino) == (found.st_dev, found.st_ino)
    if not (same and _private(found) and _is_marked(path.name, descriptor, found)):
        return None
    contents = []
    for name in sorted(os.listdir(descriptor), key=lambda name: name == _MARK):
        one = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        if one.st_uid != os.geteuid():
            return None
        if name == METRICS and stat.S_ISDIR(one.st_mode):
            contents += _counts(descriptor)
        else:
            is_file = stat.S_ISREG(one.st_mode) and _FILE.fullmatch(name)
            is_socket = stat.S_ISSOCK(one.st_mode) and _SOCKET.fullmatch(name)
            if not is_file and not is_socket:
                return None
        contents.append(name)
    return contents


def _private(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and found.st_mode & 0o777 == 0o700


def _is_marked(name: str, descriptor: int, found: os.stat_result) -> bool:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(_MARK, flags, dir_fd=descriptor), "rb") as file:
        mark = os.fstat(file.fileno())
        if not stat.S_ISREG(mark.st_mode) or mark.st_uid != os.geteuid():
            return False
        return file.read(MAX_MARK_BYTES) == _mark(name, found)


def _counts(descriptor: int) -> list[str]:
    """Return the files in the folder of counts, as paths from the runtime directory.

    Raises:
        FileExistsError: One of them is not a file of counts.
        OSError: The folder cannot be read.
    """
    folder = os.open(METRICS, _OPEN_DIRECTORY, dir_fd=descriptor)
    try:
        names = os.listdir(folder)
        for name in names:
            one = os.stat(name, dir_fd=folder, follow_symlinks=False)
            is_ours = stat.S_ISREG(one.st_mode) and one.st_uid == os.geteuid()
            if not (is_ours and _COUNTS.fullmatch(name)):
                raise FileExistsError(name)
    finally:
        os.close(folder)
    return [f"{METRICS}/{name}" for name in names]

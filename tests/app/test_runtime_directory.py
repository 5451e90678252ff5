"""Runtime directories: private, and never is anything removed that a service has not made."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from madeira.app.errors import RuntimeDirectoryError
from madeira.app.processes import runtime_directory
from madeira.app.processes.runtime_directory import (
    RuntimeDirectory,
    remove_abandoned,
)

MARK = "madeira.json"

ABANDON = """
import os, signal
from madeira.app.processes.runtime_directory import RuntimeDirectory
print(RuntimeDirectory().path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the place of temporary files, short enough for sockets wherever pytest has its own."""
    directory = Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(directory))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield directory
    shutil.rmtree(directory)


def abandoned() -> Path:
    """Return the directory of a service that was killed."""
    ended = subprocess.run([sys.executable, "-c", ABANDON], stdout=subprocess.PIPE, text=True)
    assert ended.returncode == -signal.SIGKILL
    return Path(ended.stdout.strip())


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def fill(directory: Path) -> None:
    """Everything that a service puts into its directory."""
    for name in (
        "supervisor.json",
        "supervisor.heartbeat",
        "supervisor.json.new",
        "0-1.heartbeat",
        "12-345.heartbeat",
    ):
        (directory / name).write_bytes(b"x")
    for name in ("0.sock", "api-4194304.sock"):
        listen(directory / name)
    (directory / "metrics").mkdir()
    for name in ("counter_12.db", "gauge_livesum_12.db", "histogram_7.db"):
        (directory / "metrics" / name).write_bytes(b"x")


def contents(place: Path) -> dict[str, bytes | None]:
    """Everything below a place; of files, what they hold."""
    return {
        str(path.relative_to(place)): path.read_bytes() if path.is_file() else None
        for path in place.rglob("*")
    }


def test_it_is_for_its_user_alone_and_short_enough_for_sockets(place: Path) -> None:
    before = os.umask(0)
    try:
        runtime = RuntimeDirectory()
    finally:
        os.umask(before)
    assert runtime.path.parent == place
    assert runtime.path.stat().st_mode & 0o7777 == 0o700
    assert (runtime.path / MARK).stat().st_mode & 0o7777 == 0o600
    listen(runtime.path / "api-4194304.sock")
    runtime.remove()
    runtime.remove()
    assert list(place.iterdir()) == []


def test_what_a_killed_service_left_is_removed(place: Path) -> None:
    left = abandoned()
    fill(left)
    (place / "notes.txt").write_text("mine")
    remove_abandoned()
    assert contents(place) == {"notes.txt": b"mine"}


def test_what_a_running_service_has_stays(place: Path) -> None:
    runtime = RuntimeDirectory()
    fill(runtime.path)
    before = contents(place)
    remove_abandoned()
    assert contents(place) == before
    runtime.remove()
    assert contents(place) == {}


@pytest.mark.parametrize(
    "name",
    [
        "madeira-thesis",
        "madeira-0123456789abcdef01234567",
        "madeira-",
        "madeira-x y",
        ".madeira-0123456789abcdef01234567",
    ],
)
def test_a_foreign_directory_with_an_unlocked_file_stays(place: Path, name: str) -> None:
    foreign = place / name
    foreign.mkdir(mode=0o700)
    (foreign / "lock").touch()
    (foreign / "data.csv").write_text("a,b\n1,2\n")
    (foreign / "supervisor.json").write_text("{}")
    before = contents(place)
    remove_abandoned()
    RuntimeDirectory().remove()
    assert contents(place) == before


def _no_mark(left: Path) -> None:
    (left / MARK).unlink()


def _empty_mark(left: Path) -> None:
    (left / MARK).write_bytes(b"")


def _longer_mark(left: Path) -> None:
    (left / MARK).write_bytes((left / MARK).read_bytes() + b" " * 10_000)


def _mark_of_another(left: Path) -> None:
    (left / MARK).write_bytes((abandoned() / MARK).read_bytes())


def _linked_mark(left: Path) -> None:
    (left / MARK).rename(left.parent / "mark")
    (left / MARK).symlink_to(left.parent / "mark")


def _mark_is_a_pipe(left: Path) -> None:
    (left / MARK).unlink()
    os.mkfifo(left / MARK)


def _copied(left: Path) -> None:
    shutil.copytree(left, left.parent / "copy")
    shutil.rmtree(left)
    (left.parent / "copy").rename(left)


def _renamed(left: Path) -> None:
    left.rename(left.with_name("madeira-" + "0" * 24))


def _open_to_others(left: Path) -> None:
    left.chmod(0o755)


def _another_file(left: Path) -> None:
    (left / "data.csv").write_text("a,b\n1,2\n")


def _another_folder(left: Path) -> None:
    (left / "results").mkdir()


def _a_folder_named_as_a_file(left: Path) -> None:
    (left / "supervisor.json").mkdir()
    (left / "supervisor.json" / "data.csv").write_text("a,b\n1,2\n")


def _a_file_named_as_a_socket(left: Path) -> None:
    (left / "0.sock").write_text("data")


def _a_link_named_as_a_file(left: Path) -> None:
    (left.parent / "data.csv").write_text("a,b\n1,2\n")
    (left / "0-1.heartbeat").symlink_to(left.parent / "data.csv")


def _counts_are_a_link(left: Path) -> None:
    (left.parent / "mine").mkdir()
    (left.parent / "mine" / "counter_1.db").write_text("data")
    (left / "metrics").symlink_to(left.parent / "mine")


def _another_file_among_the_counts(left: Path) -> None:
    (left / "metrics").mkdir()
    (left / "metrics" / "sales.db").write_text("data")


def _a_folder_among_the_counts(left: Path) -> None:
    (left / "metrics" / "counter_1.db").mkdir(parents=True)


@pytest.mark.parametrize(
    "change",
    [
        _no_mark,
        _empty_mark,
        _longer_mark,
        _mark_of_another,
        _linked_mark,
        _mark_is_a_pipe,
        _copied,
        _renamed,
        _open_to_others,
        _another_file,
        _another_folder,
        _a_folder_named_as_a_file,
        _a_file_named_as_a_socket,
        _a_link_named_as_a_file,
        _counts_are_a_link,
        _another_file_among_the_counts,
        _a_folder_among_the_counts,
    ],
)
def test_what_a_service_has_not_made_like_this_stays_whole(
    place: Path, change: Callable[[Path], None]
) -> None:
    left = abandoned()
    change(left)
    for other in place.glob("madeira-*"):  # what a change has left as a service leaves it
        if other.name not in (left.name, "madeira-" + "0" * 24):
            shutil.rmtree(other)
    before = contents(place)
    remove_abandoned()
    assert contents(place) == before


def test_a_link_to_what_a_killed_service_left_is_not_followed(place: Path) -> None:
    left = abandoned()
    elsewhere = place / "elsewhere"
    left.rename(elsewhere)
    left.symlink_to(elsewhere)
    before = contents(place)
    remove_abandoned()
    assert contents(place) == before
    assert left.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("given", [".", MARK, "0-1.heartbeat"])
def test_what_belongs_to_another_user_stays(place: Path, given: str) -> None:
    left = abandoned()
    fill(left)
    os.chown(left / given, 65534, 65534)
    before = contents(place)
    remove_abandoned()
    assert contents(place) == before


def test_what_was_put_into_it_stays_at_its_end(place: Path) -> None:
    runtime = RuntimeDirectory()
    fill(runtime.path)
    (runtime.path / "notes.txt").write_text("mine")
    before = contents(place)
    runtime.remove()
    assert contents(place) == before


def test_a_directory_that_was_removed_is_made_again_at_its_place(place: Path) -> None:
    runtime = RuntimeDirectory()
    runtime.ensure()
    shutil.rmtree(runtime.path)
    runtime.ensure()
    assert runtime.path.stat().st_mode & 0o7777 == 0o700
    before = contents(place)
    remove_abandoned()
    assert contents(place) == before
    runtime.remove()
    assert contents(place) == {}


def test_a_long_place_is_not_used_for_sockets_and_what_is_left_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(runtime_directory, "_SHORT_PLACE", place)
    left = abandoned_in(place, monkeypatch)
    runtime = RuntimeDirectory()
    assert runtime.path.parent == place
    remove_abandoned()
    assert not left.exists()
    assert list(place.iterdir()) == [runtime.path]
    runtime.remove()


def abandoned_in(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with monkeypatch.context() as patched:
        patched.setenv("TMPDIR", str(place))
        return abandoned()


def test_no_place_is_told_in_one_sentence(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place / "gone"))
    with pytest.raises(RuntimeDirectoryError, match=r"no such file or directory; TMPDIR names"):
        RuntimeDirectory()


def test_a_full_disk_leaves_nothing_behind(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runtime_directory, "_mark", full)
    with pytest.raises(RuntimeDirectoryError, match="no space left on device"):
        RuntimeDirectory()
    assert list(place.iterdir()) == []

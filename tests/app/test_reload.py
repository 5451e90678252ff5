"""New versions are served without a restart, and nothing is lost by it."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.running import RunningService, assert_problem


@pytest.fixture
def directory(checkpoints: Path, tmp_path: Path) -> Path:
    shutil.copytree(checkpoints / "shop", tmp_path / "shop")
    return tmp_path


def add_version(directory: Path, version: str, harm: Callable[[Path], None] | None = None) -> None:
    """Puts a copy of version 1 beside it, whole or not at all, as training does."""
    beside = directory / "shop" / f".{version}"
    shutil.copytree(directory / "shop" / "1", beside)
    if harm is not None:
        harm(beside)
    beside.rename(directory / "shop" / version)


def truncate(path: Path) -> None:
    model = path / "model.safetensors"
    model.write_bytes(model.read_bytes()[:1000])


def test_a_new_version_is_served_on_demand(
    start: Callable[..., RunningService], directory: Path
) -> None:
    service = start(checkpoints=directory, reload_interval_s=0)
    answer = service.client.post("/models/shop/reload").json()
    assert answer == {"name": "shop", "version": "1", "previous": "1", "behind": 0, "refused": []}
    add_version(directory, "2")
    assert service.post("/score", {"rows": [{}]})["model"]["version"] == "1"
    answer = service.client.post("/models/shop/reload").json()
    assert answer == {"name": "shop", "version": "2", "previous": "1", "behind": 0, "refused": []}
    assert service.post("/score", {"rows": [{}]})["model"]["version"] == "2"
    assert [key.version for key in service.app.state.service.registry.held] == ["2"]
    service.refuse("/score", {"rows": [], "version": "1"}, 404)
    service.post("/score", {"rows": [], "version": "2"})
    assert_problem(service.client.post("/models/kiosk/reload"), 404)

    add_version(directory, "3", truncate)
    answer = service.client.post("/models/shop/reload").json()
    assert (answer["version"], answer["previous"]) == ("2", "2")
    (refused,) = answer["refused"]
    assert refused["version"] == "3"
    assert "model.safetensors" in refused["reason"]
    assert service.client.get("/models").json()["refused"] == [refused]
    assert service.post("/score", {"rows": [{}]})["model"]["version"] == "2"


def test_a_swap_under_load_loses_nothing(
    start: Callable[..., RunningService], directory: Path
) -> None:
    service = start(checkpoints=directory, reload_interval_s=0.2)
    expected = service.post("/score", {"rows": [{"city": "Funchal"}]})["log_likelihood"]
    seen: list[str] = []
    wrong: list[object] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                document = service.post("/score", {"rows": [{"city": "Funchal"}]})
            except Exception as error:
                wrong.append(error)
                return
            seen.append(document["model"]["version"])
            if document["log_likelihood"] != pytest.approx(expected, rel=1e-5):
                wrong.append(document)

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        for version in ("2", "3", "4"):
            add_version(directory, version)
            deadline = time.monotonic() + 60
            while version not in seen and time.monotonic() < deadline:
                time.sleep(0.05)
    finally:
        stop.set()
        for caller in callers:
            caller.join()
    assert wrong == []
    assert set(seen) == {"1", "2", "3", "4"}


def test_a_pinned_version_is_served(start: Callable[..., RunningService], directory: Path) -> None:
    add_version(directory, "2")
    service = start(checkpoints=directory, pin="shop=1")
    assert service.post("/score", {"rows": []})["model"]["version"] == "1"


def test_models_take_turns_in_little_memory(
    start: Callable[..., RunningService], directory: Path
) -> None:
    for name in ("fair", "kiosk"):
        shutil.copytree(directory / "shop", directory / name)
    size = (directory / "shop" / "1" / "model.safetensors").stat().st_size
    megabytes = max(1, 2 * 2 * size // 2**20)
    service = start(checkpoints=directory, memory_limit_mb=megabytes)
    registry = service.app.state.service.registry
    assert set(registry.models) == {"fair", "kiosk", "shop"}
    for name in ("kiosk", "shop", "fair", "shop"):
        answer = service.post("/score", {"model": name, "rows": [{"city": "Funchal"}]})
        assert answer["model"]["name"] == name
        assert registry.held[-1].name == name
        if 6 * size > megabytes * 2**20:
            assert len(registry.held) < 3

"""New versions are served without a restart, and nothing is lost by it."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from madeira.app.registry.checkpoints import CheckpointRepository
from madeira.models import DensityEstimator
from tests.app.running import RunningService, assert_problem
from tests.waiting import wait_until


@pytest.fixture
def directory(checkpoints: Path, tmp_path: Path) -> Path:
    shutil.copytree(checkpoints / "shop", tmp_path / "shop")
    return tmp_path


def add_version(
    directory: Path,
    version: str,
    harm: Callable[[Path], None] | None = None,
    source: Path | None = None,
) -> None:
    """Put a copy of version 1, or of another, beside it, whole or not at all."""
    beside = directory / "shop" / f".{version}"
    shutil.copytree(source or directory / "shop" / "1", beside)
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
    assert [key.version for key in service.app.state.plane.registry.held] == ["2"]
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


def test_a_file_that_is_cut_between_reading_and_loading_is_refused_and_the_old_version_stays(
    start: Callable[..., RunningService], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = start(checkpoints=directory, reload_interval_s=0)
    add_version(directory, "2")
    read = CheckpointRepository.read

    def read_and_cut(store: CheckpointRepository, name: str, version: str) -> object:
        found = read(store, name, version)
        truncate(directory / name / version)
        return found

    monkeypatch.setattr(CheckpointRepository, "read", read_and_cut)
    answer = service.client.post("/models/shop/reload").json()
    assert (answer["version"], answer["previous"]) == ("1", "1")
    (refused,) = answer["refused"]
    assert refused["version"] == "2"
    assert "model.safetensors" in refused["reason"]
    assert service.post("/score", {"rows": [{}]})["model"]["version"] == "1"
    assert service.client.get("/health/ready").status_code == 200


def test_swaps_under_load_lose_nothing_and_every_answer_names_what_computed_it(
    start: Callable[..., RunningService],
    directory: Path,
    estimator: DensityEstimator,
    shop_table: pa.Table,
) -> None:
    other = DensityEstimator("fast", seed=2).fit(shop_table.select(["city", "member"]))
    other.describe("shop", "Another one.").save(directory / ".other")
    row = pa.table({"city": ["Funchal"], "member": [True]})
    expected = [float(one.log_prob(row)[0]) for one in (other, estimator)]
    assert abs(expected[0] - expected[1]) > 0.01
    service = start(checkpoints=directory, reload_interval_s=0.2)
    seen: set[str] = set()
    wrong: list[object] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=str(service.client.base_url), timeout=300) as client:
            while not stop.is_set():
                body = {"rows": row.to_pylist()}
                answer = client.post("/score", json=body)
                if answer.status_code != 200:
                    wrong.append(answer.text)
                    return
                document = answer.json()
                version = document["model"]["version"]
                seen.add(version)
                if document["log_likelihood"] != [pytest.approx(expected[int(version) % 2], 1e-4)]:
                    wrong.append(document)

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        for version in range(2, 8):
            source = directory / "shop" / "1" if version % 2 else directory / ".other"
            add_version(directory, str(version), source=source)
            time.sleep(1.0)
        wait_until(lambda: "7" in seen)
    finally:
        stop.set()
        for caller in callers:
            caller.join()
    assert wrong == []
    assert "7" in seen
    assert len(seen) >= 3


def test_a_copy_that_the_disk_has_no_room_for_leaves_the_old_version(
    start: Callable[..., RunningService], directory: Path
) -> None:
    service = start(checkpoints=directory, reload_interval_s=0)
    shop = directory / "shop"
    copy = f"ulimit -f 8; cp -r {shop}/1 {shop}/2"  # no file is longer than a few kilobytes
    done = subprocess.run(["bash", "-c", copy], capture_output=True, check=False)
    assert done.returncode != 0
    assert service.post("/models/shop/reload", None)["version"] == "1"
    (refused,) = service.client.get("/models").json()["refused"]
    assert (refused["name"], refused["version"]) == ("shop", "2")
    assert refused["reason"]
    assert service.post("/score", {"rows": [{}]})["model"]["version"] == "1"
    page = service.client.get("/metrics").text
    assert 'madeira_model_loads_total{model="shop",result="failed"} 1.0' in page
    shutil.copytree(shop / "1", shop / "2", dirs_exist_ok=True)
    assert service.post("/models/shop/reload", None)["version"] == "2"
    assert 'quantile="0.5",version="1"' not in service.client.get("/metrics").text


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
    registry = service.app.state.plane.registry
    assert set(registry.models) == {"fair", "kiosk", "shop"}
    for name in ("kiosk", "shop", "fair", "shop"):
        answer = service.post("/score", {"model": name, "rows": [{"city": "Funchal"}]})
        assert answer["model"]["name"] == name
        assert registry.held[-1].name == name
        if 6 * size > megabytes * 2**20:
            assert len(registry.held) < 3

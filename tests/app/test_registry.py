"""Checkpoints that cannot be loaded are refused by name, and the others are served."""

import asyncio
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from madeira.app.errors import NoWorkerError, UnavailableError, UnknownModelError
from madeira.app.jobs import ModelKey
from madeira.app.registry import Registry
from madeira.app.registry.checkpoints import CheckpointRepository
from tests.app.running import RunningService

FILES = ["model.safetensors", "config.json", "schema.json", "metrics.json"]


@pytest.fixture
def directory(checkpoints: Path, tmp_path: Path) -> Path:
    """Return a directory of its own with the good model `shop`."""
    shutil.copytree(checkpoints / "shop", tmp_path / "shop")
    return tmp_path


class _Willing:
    """Holds whatever it is asked to: what a directory offers is all these tests are about."""

    async def prepare(self, key: ModelKey) -> None:
        assert key.version.isdigit()

    async def release(self, key: ModelKey) -> None:
        assert key.version.isdigit()


def load(directory: Path) -> Registry:
    registry = Registry(directory)
    asyncio.run(registry.refresh(_Willing()))
    return registry


def truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def tamper(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", [truncate, tamper, os.remove], ids=lambda harm: harm.__name__)
def test_a_broken_checkpoint_is_refused_and_the_others_are_served(
    directory: Path, name: str, harm: Callable[[Path], None]
) -> None:
    shutil.copytree(directory / "shop", directory / "broken")
    harm(directory / "broken" / "1" / name)
    registry = load(directory)
    assert list(registry.models) == ["shop"]
    (refusal,) = registry.refused
    assert (refusal.name, refusal.version) == ("broken", "1")
    assert refusal.reason
    assert str(directory) not in refusal.reason


def test_a_version_for_which_no_worker_was_there_is_tried_again(directory: Path) -> None:
    class _Late(_Willing):
        there = False

        async def prepare(self, key: ModelKey) -> None:
            if not self.there:
                raise NoWorkerError

    async def look_twice() -> list[list[str]]:
        registry, loader, served = Registry(directory), _Late(), []
        for loader.there in (False, True):
            await registry.refresh(loader)
            served.append([*registry.models, *(one.reason for one in registry.refused)])
        return served

    first, second = asyncio.run(look_twice())
    assert [reason.partition(";")[0] for reason in first] == ["No worker can compute at present"]
    assert second == ["shop"]


def test_a_pickle_is_never_opened(directory: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return os.mkdir, (str(directory / "sprung"),)

    shutil.copytree(directory / "shop", directory / "trap")
    for name in FILES:
        (directory / "trap" / "1" / name).write_bytes(pickle.dumps(Trap()))
    (directory / "trap" / "1" / "model.pkl").write_bytes(pickle.dumps(Trap()))
    registry = load(directory)
    assert list(registry.models) == ["shop"]
    assert not (directory / "sprung").exists()


def test_the_highest_version_is_served(directory: Path) -> None:
    for version in ("2", "9", "10"):
        shutil.copytree(directory / "shop" / "1", directory / "shop" / version)
    registry = load(directory)
    assert registry.models["shop"].key == ModelKey("shop", "10")
    assert registry.refused == ()


def test_a_broken_version_leaves_the_one_before_it(directory: Path) -> None:
    for version in ("2", "3"):
        shutil.copytree(directory / "shop" / "1", directory / "shop" / version)
    tamper(directory / "shop" / "3" / "model.safetensors")
    registry = load(directory)
    assert registry.models["shop"].key == ModelKey("shop", "2")
    assert [(refusal.name, refusal.version) for refusal in registry.refused] == [("shop", "3")]


def test_files_and_hidden_directories_are_ignored(directory: Path) -> None:
    (directory / "README.md").write_text("models")
    (directory / "__init__.py").write_text("")
    (directory / "__pycache__").mkdir()
    (directory / ".cache" / "1").mkdir(parents=True)
    (directory / "shop" / ".1-partial").mkdir()
    (directory / "shop" / "notes").mkdir()
    registry = load(directory)
    assert list(registry.models) == ["shop"]
    assert registry.refused == ()


def test_a_directory_without_a_version_is_refused(directory: Path) -> None:
    (directory / "empty").mkdir()
    (refusal,) = load(directory).refused
    assert (refusal.name, refusal.version) == ("empty", None)


def test_what_is_refused_is_told(directory: Path, start: Callable[..., RunningService]) -> None:
    shutil.copytree(directory / "shop", directory / "broken")
    truncate(directory / "broken" / "1" / "model.safetensors")
    service = start(checkpoints=directory)
    document = service.client.get("/models").json()
    assert [model["name"] for model in document["models"]] == ["shop"]
    (refused,) = document["refused"]
    assert (refused["name"], refused["version"]) == ("broken", "1")
    assert "model.safetensors" in refused["reason"]
    assert service.client.get("/health/ready").status_code == 200
    service.refuse("/score", {"model": "broken", "rows": []}, 404)


def test_the_default_model_is_loaded_first_and_then_the_smallest(tmp_path: Path) -> None:
    for name, size in (("a", 300), ("b", 200), ("c", 100), ("d", 400)):
        version = tmp_path / name / "1"
        version.mkdir(parents=True)
        (version / "model.safetensors").write_bytes(b"x" * size)
    (tmp_path / "e").mkdir()  # it holds nothing
    store = CheckpointRepository(tmp_path, {})
    assert store.soonest_first(["a", "b", "c", "d", "e"], "d") == ["d", "e", "c", "b", "a"]
    assert store.soonest_first(["a", "b", "c"], None) == ["c", "b", "a"]


def test_a_model_that_is_on_its_way_is_told_to_come_back_for(directory: Path) -> None:
    registry = Registry(directory)
    for name in (None, "shop", "shoe"):
        with pytest.raises(UnavailableError, match="being loaded") as error:
            registry.resolve(name)
        assert error.value.headers == {"Retry-After": "1"}
    assert registry.loading
    asyncio.run(registry.refresh(_Willing()))
    assert not registry.loading
    assert registry.resolve(None).key.name == "shop"
    with pytest.raises(UnknownModelError):
        registry.resolve("shoe")

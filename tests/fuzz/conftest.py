"""The service on the bundled penguins, with bounds that a fuzzer may go up to."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.running import RunningService, running
from tests.fuzz.api import BUNDLED, fuzzed_settings

__all__ = ["fuzzed"]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Yield the service that is fuzzed."""
    directory: Path = tmp_path_factory.mktemp("fuzzed")
    shutil.copytree(BUNDLED, directory / "penguins")
    with running(fuzzed_settings(directory)) as service:
        yield service

"""What holds for every test: one thread each, the same seeds, skips that say what is missing."""

import os
import tempfile

# Before torch and NumPy are imported, here and in every process a test starts: pytest's workers
# share the cores already.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# A spare worker beside every service would slow the tests; those that are about spares have them.
os.environ.setdefault("MADEIRA_SPARE_WORKERS", "0")
# A new worker may take long where many tests run at once.
os.environ.setdefault("MADEIRA_WORKER_WAIT_S", "300")
# Nor do they read the models of whoever runs them, or leave any there.
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="madeira-tests-")

import random
import shutil

import hypothesis
import numpy as np
import pytest
import torch

__all__ = ["chromium", "seeded"]

SEED = 20150706

# Found examples must not depend on the day: the same examples each run, and no deadline, which
# a busy machine would miss.
hypothesis.settings.register_profile("house", derandomize=True, deadline=None)
hypothesis.settings.load_profile("house")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, naming what it lacks."""
    if item.get_closest_marker("cuda") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    if item.get_closest_marker("browser") and _chromium() is None:
        pytest.skip("no Chromium: install it, or name one in the environment variable CHROMIUM")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Give every test the same random numbers, whatever ran before it."""
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser; for tests marked `browser`."""
    path = _chromium()
    if path is None:
        pytest.skip("no Chromium")
    return path


def _chromium() -> str | None:
    return shutil.which(os.environ.get("CHROMIUM", "chromium"))

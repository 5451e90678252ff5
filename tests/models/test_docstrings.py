"""The examples in docstrings give what they say."""

import doctest
import importlib
import pkgutil

import pytest

from madeira import models

MODULES = [
    "madeira",
    *(m.name for m in pkgutil.walk_packages(models.__path__, "madeira.models.")),
]
NAMES = {"np": "numpy", "pa": "pyarrow", "torch": "torch"}


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    module = importlib.import_module(name)
    known = {short: importlib.import_module(full) for short, full in NAMES.items()}
    failed, _ = doctest.testmod(module, extraglobs=known, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0

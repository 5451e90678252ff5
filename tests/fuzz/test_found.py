"""Inputs that once ended the process are read or refused."""

from pathlib import Path

import pytest

from tests.fuzz.codecs import TARGETS

FOUND = sorted((Path(__file__).parent / "found").iterdir())


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_was_found_is_harmless(path: Path) -> None:
    """The name of a file is that of its target, and of what is odd about it."""
    TARGETS[path.name.split(".")[0]].read(path.read_bytes())

"""A short piece of the fuzzer of HTTP."""

import asyncio
import logging

import pytest

from tests.fuzz.http import fuzz


def test_whatever_comes_is_answered_or_closed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "madeira.requests")
    counts = asyncio.run(fuzz(3000, seed=7))
    assert {"100", "200", "400", "404", "408", "414", "431", "501"} <= set(counts)

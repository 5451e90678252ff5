"""Some hundred cases of the fuzzer of the service; `make fuzz` makes thousands."""

import pytest

from tests.app.running import RunningService
from tests.fuzz.api import fuzz


@pytest.mark.parametrize("case", ["query", "body"])
def test_the_service_does_what_it_is_described_to_do(fuzzed: RunningService, case: str) -> None:
    found = fuzz(f"http://127.0.0.1:{fuzzed.port}", case, examples=3, seed=1)
    assert found.passed, found.report
    assert found.cases > 100

"""`make trace` finds the way of a request in both processes."""

import pytest

from tests.trace.__main__ import QUESTIONS, ways


@pytest.mark.slow
def test_every_question_goes_from_the_server_to_the_computation() -> None:
    found = ways()
    assert found.keys() == QUESTIONS.keys()
    for processes in found.values():
        files = {process: {file for file, _ in calls} for process, calls in processes.items()}
        assert files.keys() == {"API process", "worker"}
        assert "app/server/http_protocol.py" in files["API process"]
        assert "app/workers/execute.py" in files["worker"]
        assert not any(file.startswith("app/workers/") for file in files["API process"])

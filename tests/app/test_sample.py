"""`POST /sample`: the estimator's own rows, streamed, and stopped when nobody reads."""

import http.client
import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madeira.app.ipc.runtime_paths import read_state
from madeira.app.settings import Settings
from madeira.models import DensityEstimator
from tests.app.alike import as_rows, assert_rows_alike
from tests.app.running import RunningService, running
from tests.waiting import steady


def test_rows_are_the_estimators_own(service: RunningService, estimator: DensityEstimator) -> None:
    answer = service.post("/sample", {"n": 40, "seed": 11})
    assert answer["model"] == {"name": "shop", "version": "1"}
    assert answer["seed"] == 11
    assert set(answer) == {"model", "seed", "rows"}
    assert list(answer["rows"][0]) == list(estimator.schema.names)
    assert_rows_alike(answer["rows"], as_rows(estimator.sample(40, seed=11)))


def test_values_have_the_types_of_their_columns(service: RunningService) -> None:
    for row in service.post("/sample", {"n": 20, "seed": 1, "nulls": False})["rows"]:
        assert isinstance(row["city"], str)
        assert isinstance(row["member"], bool)
        assert isinstance(row["income"], float)
        assert isinstance(row["visits"], int)
        assert row['100% "risk"'] in ("low", "high")
        assert np.datetime64(row["born"], "D") >= np.datetime64("1900-01-01")
        assert row["joined"].endswith("+00:00")
    service.post("/score", {"rows": service.post("/sample", {"n": 20})["rows"]})


def test_the_rows_do_not_depend_on_the_chunks(
    start: Callable[..., RunningService], service: RunningService
) -> None:
    request = {"n": 50, "seed": 3, "given": {"city": "Funchal"}, "log_likelihood": True}
    whole = start(stream_chunk_rows=1000).post("/sample", request)
    chunked = service.post("/sample", request)
    assert [row["city"] for row in chunked["rows"]] == ["Funchal"] * 50
    assert_rows_alike(whole["rows"], chunked["rows"])
    assert whole["log_likelihood"] == chunked["log_likelihood"]


def test_a_seed_repeats_and_no_seed_does_not(service: RunningService) -> None:
    seeded = {"n": 5, "seed": 2**63 - 1}
    assert service.post("/sample", seeded) == service.post("/sample", seeded)
    first, second = service.post("/sample", {"n": 5}), service.post("/sample", {"n": 5})
    assert first["rows"] != second["rows"]
    again = service.post("/sample", {"n": 5, "seed": first["seed"]})
    assert again["rows"] == first["rows"]


def test_given_values_come_back_as_they_were_sent(service: RunningService) -> None:
    given = {
        "city": "Lisboa",
        "income": 12345.678901234567,
        "joined": "2021-03-04T05:06:07Z",
        "visits": 3.0,
        "member": None,
    }
    for n in (3, 40):
        rows = service.post("/sample", {"n": n, "given": given})["rows"]
        assert len(rows) == n
        for row in rows:
            assert {name: row[name] for name in given if name != "member"} == {
                name: value for name, value in given.items() if name != "member"
            }
            assert row["member"] in (True, False)


def test_evidence_changes_the_rest(service: RunningService) -> None:
    def share(city: str) -> float:
        rows = service.post("/sample", {"n": 400, "seed": 1, "given": {"city": city}})["rows"]
        return float(np.mean([row["member"] for row in rows]))

    assert share("Funchal") > share("Machico")


def test_likelihoods_are_those_of_the_rows(service: RunningService) -> None:
    answer = service.post("/sample", {"n": 30, "seed": 4, "log_likelihood": True})
    scored = service.post("/score", {"rows": answer["rows"]})["log_likelihood"]
    # Numbers are written as rounded to their column, so a density moves a little.
    assert len(answer["log_likelihood"]) == 30
    np.testing.assert_allclose(answer["log_likelihood"], scored, atol=0.8)


def test_a_low_temperature_draws_likelier_rows(service: RunningService) -> None:
    def mean(temperature: float) -> float:
        request = {"n": 300, "seed": 5, "temperature": temperature, "log_likelihood": True}
        whole = request | {"nulls": False}  # rows of fewer values are likelier
        whole["within_range"] = False
        return float(np.mean(service.post("/sample", whole)["log_likelihood"]))

    assert mean(0.3) > mean(1.0) > mean(3.0)


def test_numbers_and_dates_lie_within_the_range_unless_asked_otherwise(
    service: RunningService, estimator: DensityEstimator
) -> None:
    request = {"n": 400, "seed": 5, "temperature": 3.0, "nulls": False}
    ends = {column["name"]: column for column in estimator.schema.describe()}

    def beyond(rows: list[dict[str, Any]]) -> int:
        lowest, highest = ends["income"]["minimum"], ends["income"]["maximum"]
        return sum(not lowest <= row["income"] <= highest for row in rows)

    assert beyond(service.post("/sample", request | {"within_range": False})["rows"]) > 0
    inside = service.post("/sample", request)["rows"]
    assert beyond(inside) == 0
    drawn = estimator.sample(400, seed=5, temperature=3.0, nulls=False)
    assert_rows_alike(inside, as_rows(drawn))
    gaps = [{"city": row["city"]} for row in inside[:40]]
    assert beyond(service.post("/impute", {"rows": gaps, "within_range": True})["rows"]) == 0


@settings(max_examples=20)
@given(n=st.integers(1, 70), seed=st.integers(0, 2**63 - 1))
def test_n_rows_are_n_rows(service: RunningService, n: int, seed: int) -> None:
    assert len(service.post("/sample", {"n": n, "seed": seed})["rows"]) == n


def open_stream(service: RunningService, request: dict[str, Any]) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("POST", "/sample", json.dumps(request), {"Content-Type": "application/json"})
    return connection


def test_rows_arrive_before_all_are_drawn(service: RunningService) -> None:
    engine = service.app.state.plane.engine
    connection = open_stream(service, {"n": 1_000_000})
    answer = connection.getresponse()
    assert answer.status == 200
    before = engine.executed
    assert answer.read(1000).startswith(b'{"model":{"name":"shop","version":"1"},"seed":')
    assert engine.executed - before < 1_000_000 // 16
    connection.close()


def test_drawing_stops_when_the_reader_goes_away(service: RunningService) -> None:
    engine = service.app.state.plane.engine
    connection = open_stream(service, {"n": 10_000_000})
    connection.getresponse().read(1000)
    connection.sock.close()
    connection.close()
    assert steady(lambda: engine.executed, 0.5) < 10_000_000 // 16
    service.post("/sample", {"n": 1})


def test_a_slow_reader_slows_the_drawing(service: RunningService) -> None:
    engine = service.app.state.plane.engine
    connection = open_stream(service, {"n": 10_000_000})
    answer = connection.getresponse()
    executed = steady(lambda: engine.executed, 0.5)  # buffers fill, then nothing moves
    answer.read(4_000_000)
    time.sleep(0.5)
    assert engine.executed > executed
    connection.close()


def test_an_answer_that_fails_midway_is_cut_off(
    checkpoints: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = Path(shutil.copytree(checkpoints, tmp_path / "models"))
    settings = Settings.read(checkpoints=directory, threads=1, stream_chunk_rows=16)
    with running(settings) as service:
        connection = open_stream(service, {"n": 10_000_000})
        answer = connection.getresponse()
        answer.read(1000)
        shutil.rmtree(directory / "shop")
        state = read_state(service.app.state.plane.engine.directory)
        assert state is not None
        assert state.pids[0] is not None
        os.kill(state.pids[0], signal.SIGKILL)  # the next worker finds no model
        with caplog.at_level(logging.ERROR), pytest.raises(http.client.IncompleteRead):
            answer.read()
        assert "Traceback" in caplog.text
        connection.close()

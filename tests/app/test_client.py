"""The clients answer as the estimator does, come back after faults, and raise the same errors."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import madeira
from madeira import AsyncClient, Client, ConfigError, DensityEstimator, RowsTypeError, TableError
from madeira.app.cli import main
from madeira.app.client import questions
from madeira.app.client.attempts import Attempts
from madeira.errors import (
    DeadlineError,
    QueueFullError,
    UnexpectedAnswerError,
    UnknownModelError,
    UnreachableError,
)
from tests.app.running import RunningService

METHODS = ("log_prob", "anomaly_score", "cell_anomaly", "contributions", "sample", "impute")


class Waiting:
    """An `AsyncClient` whose coroutines are run to their end, so that one suite asks all."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            async def asked() -> object:
                async with AsyncClient(self._url, model="shop") as client:
                    return await getattr(client, name)(*arguments, **options)

            return asyncio.run(asked())

        return call


@pytest.fixture(params=["estimator", "client", "async client"])
def answers(
    request: pytest.FixtureRequest, service: RunningService, checkpoints: Path
) -> Iterator[DensityEstimator]:
    """Yield what answers: all three have the same methods."""
    url = f"http://127.0.0.1:{service.port}"
    if request.param == "estimator":
        yield DensityEstimator.load(checkpoints / "shop")
    elif request.param == "async client":
        yield cast(DensityEstimator, Waiting(url))
    else:
        with Client(url, model="shop") as client:
            yield cast(DensityEstimator, client)


@pytest.mark.parametrize("name", METHODS)
def test_methods_have_the_arguments_of_the_estimator(name: str) -> None:
    own = inspect.signature(getattr(DensityEstimator, name)).parameters
    for kind in (Client, AsyncClient):
        theirs = inspect.signature(getattr(kind, name)).parameters
        assert [(one, str(own[one].default)) for one in own] == [
            (one, str(theirs[one].default)) for one in theirs
        ]


@pytest.mark.parametrize("name", ["log_prob", "anomaly_score", "cell_anomaly", "contributions"])
def test_scores_are_those_of_the_estimator(
    answers: DensityEstimator, estimator: DensityEstimator, shop_table: pa.Table, name: str
) -> None:
    expected = getattr(estimator, name)(shop_table)
    forms = (shop_table, shop_table.to_pandas(), pl.DataFrame(shop_table), shop_table.to_pylist())
    for rows in forms:
        found = getattr(answers, name)(rows)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    none = getattr(answers, name)(shop_table.slice(0, 0))
    assert none.shape == expected[:0].shape


def test_filled_rows_come_in_the_form_of_the_rows(
    answers: DensityEstimator, estimator: DensityEstimator, shop_table: pa.Table
) -> None:
    frame = shop_table.to_pandas().set_index(np.arange(len(shop_table)) + 7)
    filled = answers.impute(frame, seed=1)
    pd.testing.assert_frame_equal(filled, DensityEstimator.impute(estimator, frame, seed=1))
    assert isinstance(answers.impute(pl.DataFrame(shop_table), seed=1), pl.DataFrame)
    records = shop_table.slice(0, 9).to_pylist()
    assert answers.impute(records, seed=2) == estimator.impute(records, seed=2)
    several = answers.impute(shop_table.slice(0, 9), draws=3, seed=2)
    assert [one.to_pylist() for one in several] == [
        one.to_pylist() for one in estimator.impute(shop_table.slice(0, 9), draws=3, seed=2)
    ]


def test_samples_are_those_of_the_estimator(
    answers: DensityEstimator, estimator: DensityEstimator, checkpoints: Path
) -> None:
    loaded = DensityEstimator.load(checkpoints / "shop" / "1")
    given = {"city": "Machico", "visits": 3}
    drawn = answers.sample(50, given=given, seed=4, temperature=0.8)
    assert drawn.equals(loaded.sample(50, given=given, seed=4, temperature=0.8))
    assert answers.sample(0).schema.equals(loaded.sample(0).schema)


def test_what_is_wrong_raises_the_same_errors(
    answers: DensityEstimator, shop_table: pa.Table
) -> None:
    with pytest.raises(TableError) as found:
        answers.log_prob([{"income": 1.0}, {"income": "much"}])
    assert [(one.row, one.column) for one in found.value.cells] in (
        [(1, "income")],
        [(1, "income")],
    )
    with pytest.raises(TableError, match="unknown column"):
        answers.log_prob({"citty": ["Funchal"]})
    with pytest.raises(ConfigError):
        answers.sample(-1)
    with pytest.raises(ConfigError):
        answers.sample(1, temperature=0)
    with pytest.raises(ConfigError):
        answers.impute(shop_table, draws=0)
    with pytest.raises(ConfigError):
        answers.impute(shop_table, draws=2, estimate="mean")
    with pytest.raises(RowsTypeError):
        answers.log_prob(cast(pa.Table, 3))
    with pytest.raises(RowsTypeError):
        answers.sample(1, given=cast(dict[str, object], ["city"]))


def test_a_large_table_is_sent_in_chunks(
    service: RunningService,
    estimator: DensityEstimator,
    shop_table: pa.Table,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(questions, "MAX_CHUNK_ROWS", 100)
    told: list[tuple[int, int]] = []
    with Client(
        f"http://127.0.0.1:{service.port}",
        model="shop",
        on_progress=lambda done, rows: told.append((done, rows)),
    ) as client:
        found = client.log_prob(shop_table)
        np.testing.assert_allclose(found, estimator.log_prob(shop_table), rtol=1e-12)
        assert told == [(100, 240), (200, 240), (240, 240)]
        filled = client.impute(shop_table, draws=2, seed=1)
        gaps = shop_table["income"].is_null().to_numpy()
        assert [one.num_rows for one in filled] == [240, 240]
        assert filled[0]["income"].null_count == 0
        assert filled[0].filter(~gaps)["income"].equals(shop_table.filter(~gaps)["income"])
        bad = shop_table.to_pylist()
        bad[230]["city"] = {"name": "Funchal"}
        with pytest.raises((TableError, RowsTypeError)):
            client.log_prob(bad)
        numbers = shop_table.to_pandas()
        numbers["income"] = numbers["income"].astype(object)
        numbers.loc[:, "income"] = "5"
        numbers.loc[230, "income"] = "much"
        with pytest.raises(TableError) as wrong:
            client.log_prob(numbers)
        assert wrong.value.cells[0].row == 230


def test_scores_come_together_in_the_form_of_the_rows(
    service: RunningService, shop_table: pa.Table
) -> None:
    with Client(f"http://127.0.0.1:{service.port}") as client:
        scores = client.score(shop_table.to_pandas(), contamination=0.5, reasons=True)
        assert isinstance(scores, pd.DataFrame)
        assert list(scores) == ["log_likelihood", "anomaly_score", "is_anomaly", "reasons"]
        assert (scores["is_anomaly"] == (scores["anomaly_score"] > 0.5)).all()
        assert client.describe()["name"] == "shop"
        assert [one["name"] for one in client.models()] == ["shop"]
        names = [column["name"] for column in client.describe()["columns"]]
        array = np.full((2, len(names)), None, dtype=object)
        array[0, names.index("city")] = "Funchal"
        assert client.log_prob(array).shape == (2,)
    with (
        Client(f"http://127.0.0.1:{service.port}", model="shopp") as client,
        pytest.raises(UnknownModelError, match="Did you mean 'shop'"),
    ):
        client.log_prob(shop_table)


def answering(*answers: httpx.Response | Exception) -> tuple[Client, list[httpx.Request]]:
    """Return a client to which such answers come, and the requests that it has sent."""
    left, sent = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    transport = httpx.MockTransport(answer)
    return Client("http://service", "key", timeout_s=20, transport=transport), sent


def problem(status: int, slug: str, **headers: str) -> httpx.Response:
    document = {"type": f"urn:madeira:problem:{slug}", "detail": "it is so", "errors": []}
    kind = {"content-type": "application/problem+json"}
    return httpx.Response(status, json=document, headers={**headers, **kind})


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no time pass, and tell how much it would have been."""
    found: list[float] = []
    monkeypatch.setattr("madeira.app.client.synchronous.time.sleep", found.append)
    return found


def test_what_may_pass_is_tried_again(pauses: list[float]) -> None:
    models = httpx.Response(200, json={"models": []})
    client, sent = answering(
        httpx.ConnectError("no"), problem(429, "queue-full", **{"Retry-After": "3"}), models
    )
    assert client.models() == []
    assert len(sent) == 3
    assert 0.25 <= pauses[0] <= 0.5
    assert pauses[1] == 3
    assert sent[0].headers["authorization"] == "Bearer key"
    assert 0 < int(sent[0].headers["x-deadline-ms"]) <= 20_001


def test_what_does_not_pass_is_raised(pauses: list[float]) -> None:
    full = problem(429, "queue-full", **{"Retry-After": "1"})
    client, sent = answering(full, full, full)
    with pytest.raises(QueueFullError, match="it is so") as found:
        client.models()
    assert len(sent) == 3
    assert found.value.headers["retry-after"] == "1"
    client, sent = answering(problem(429, "queue-full", **{"Retry-After": "3600"}))
    with pytest.raises(QueueFullError):
        client.models()
    client, sent = answering(problem(404, "unknown-model"))
    with pytest.raises(UnknownModelError):
        client.models()
    client, _ = answering(*[httpx.ConnectError("no")] * 3)
    with pytest.raises(UnreachableError, match="http://service"):
        client.models()
    client, _ = answering(*[httpx.Response(502, text="<h1>Bad gateway</h1>")] * 3)
    with pytest.raises(UnexpectedAnswerError, match=r"502.*Bad gateway") as odd:
        client.models()
    assert odd.value.code == 502
    client, _ = answering(httpx.Response(200, text="hello"))
    with pytest.raises(UnexpectedAnswerError):
        client.models()
    client, _ = answering(*[httpx.ReadTimeout("slow")] * 3)
    with pytest.raises(DeadlineError):
        client.models()


def test_pauses_double_and_end_with_the_time() -> None:
    now = [0.0]
    attempts = Attempts(9, 10.0, lambda: now[0], lambda _, high: high)
    assert [attempts.pause_s(None, {}) for _ in range(6)] == [0.5, 1, 2, 4, 8, 8]
    assert attempts.pause_s(422, {}) is None
    now[0] = 9.0
    assert attempts.pause_s(503, {}) is None
    now[0] = 10.0
    with pytest.raises(DeadlineError):
        attempts.left_s()


def test_a_client_needs_neither_torch_nor_the_service() -> None:
    program = (
        "import sys; from madeira import Client; Client('http://service'); "
        "print({'torch', 'fastapi', 'pydantic', 'numba'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.stdout == "set()\n", said.stderr


def test_errors_are_the_ones_that_are_raised() -> None:
    assert madeira.errors.TableError is TableError
    assert set(madeira.errors.__all__) <= set(dir(madeira.errors))


def test_the_bulk_commands_ask_a_service(
    service: RunningService, estimator: DensityEstimator, shop_table: pa.Table, tmp_path: Path
) -> None:
    pq.write_table(shop_table, tmp_path / "shop.parquet")
    url = f"http://127.0.0.1:{service.port}"

    def command(name: str, *arguments: str) -> pa.Table:
        out = tmp_path / f"{name}.parquet"
        asked = [name, *arguments, "--model", "shop", "--out", str(out), "--url", url]
        with pytest.raises(SystemExit) as ended:
            main(asked)
        assert ended.value.code == 0
        return pq.read_table(out)

    rows = str(tmp_path / "shop.parquet")
    scored = command("score", rows)
    np.testing.assert_allclose(scored["log_likelihood"], estimator.log_prob(shop_table), rtol=1e-12)
    filled = command("impute", rows, "--seed", "1")
    assert filled.column_names == shop_table.column_names
    assert filled["income"].null_count == 0
    drawn = command("sample", "--rows", "30", "--given", "visits=3", "--seed", "2")
    assert set(drawn["visits"].to_pylist()) == {3}

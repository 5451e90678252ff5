"""Large answers are written piece by piece, and say the same as small ones."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from madeira.app.codecs import answers
from madeira.app.http import responses
from tests.app.running import RunningService
from tests.app.streams import ARROW, post_arrow, read_stream, stream
from tests.waiting import wait_until

ROWS = 700


@pytest.fixture
def rows(shop_table: pa.Table) -> list[dict[str, Any]]:
    """Rows of the shop, again and again, some of their cells not known."""
    table = shop_table.select(["city", "member", "income", "visits"])
    found: list[dict[str, Any]] = table.take(pa.array(np.arange(ROWS) % len(table))).to_pylist()
    for place, row in enumerate(found):
        if place % 3:
            row["income"] = None
    return found


def assert_alike(found: object, expected: object) -> None:
    """Check that two documents say the same, but for the last digits of sums."""
    assert type(found) is type(expected)
    if isinstance(found, dict) and isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(found, list) and isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other)
    elif isinstance(found, datetime | date) or is_instant(found):
        assert str(found)[:4] == str(expected)[:4]
    elif isinstance(found, float):
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)
    else:
        assert found == expected


def is_instant(value: object) -> bool:
    return isinstance(value, str) and value[:4].isdecimal()


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer of more than 64 rows has several pieces."""
    monkeypatch.setattr(responses, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(answers, "FILLED_ROWS_A_PIECE", 64)
    monkeypatch.setattr(answers, "SCORES_A_PIECE", 64)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/score", {"contributions": False}),
        ("/score", {"contributions": True}),
        ("/impute", {"seed": 3}),
        ("/impute", {"seed": 3, "draws": 3}),
        ("/impute", {"seed": 3, "estimate": "mean"}),
    ],
)
@pytest.mark.parametrize("form", ["json", "arrow"])
def test_an_answer_in_pieces_is_that_in_one(
    service: RunningService,
    rows: list[dict[str, Any]],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    options: dict[str, Any],
    form: str,
) -> None:
    def ask() -> tuple[bool, Any]:
        if form == "json":
            answer = service.client.post(path, json={"rows": rows, **options})
            assert answer.status_code == 200, answer.text
            return "content-length" in answer.headers, answer.json()
        body = stream(pa.Table.from_pylist(rows))
        texts = {name: str(value).lower() for name, value in options.items()}
        answer = post_arrow(service, path, body, **texts)
        return "content-length" in answer.headers, read_stream(answer).to_pydict()

    monkeypatch.setattr(responses, "WHOLE_BYTES", 2**30)
    whole, expected = ask()
    request.getfixturevalue("in_pieces")
    pieces, found = ask()
    assert (whole, pieces) == (True, False)
    assert_alike(found, expected)


def test_rows_sent_in_arrow_are_filled_in_json_in_pieces(
    service: RunningService, rows: list[dict[str, Any]], in_pieces: None
) -> None:
    answer = post_arrow(
        service, "/impute", pa.Table.from_pylist(rows), accept="application/json", seed=3
    ).json()
    for row, sent in zip(answer["rows"], rows, strict=True):
        assert sent["city"] in (row["city"], None)
    assert all(row["income"] is not None for row in answer["rows"])
    filled = [(cell["row"], cell["column"]) for cell in answer["imputed"]]
    assert filled == sorted(filled, key=lambda cell: cell[0])
    assert [row for row, column in filled if column == "income"] == [
        place for place, row in enumerate(rows) if row["income"] is None
    ]


def test_no_rows_are_an_answer_too(service: RunningService, in_pieces: None) -> None:
    assert service.post("/score", {"rows": []})["log_likelihood"] == []
    assert service.post("/impute", {"rows": []})["rows"] == []
    assert service.post("/impute", {"rows": [], "draws": 2})["rows"] == [[], []]


def test_memory_of_large_requests_is_bounded_and_given_back(
    start: Callable[..., RunningService],
) -> None:
    service = start(request_memory_limit_bytes=8 * 2**20, body_limit_bytes=8 * 2**20)
    memory = service.app.state.plane.memory
    nulls = stream(pa.table({"income": pa.nulls(200_000)}))
    assert len(nulls) < 1000
    for path in ("/score", "/impute"):
        answer = post_arrow(service, path, nulls)
        assert answer.status_code == 422
        assert "over the limit of 4 MiB" in answer.json()["detail"]
        wait_until(lambda: memory.taken == 0)
    text = b'{"rows": [' + b'{"income": 1.0}, ' * 80_000 + b'{"income": 1.0}]}'
    answer = service.client.post("/score", content=text)
    assert answer.status_code == 422
    assert "MiB" in answer.json()["detail"]
    large = {"rows": [{"income": 1.0}] * 3000}
    assert service.client.post("/score", json=large).status_code == 200
    assert service.client.post("/impute", json=large).status_code == 200
    wait_until(lambda: memory.taken == 0)
    memory.taken = 7 * 2**20  # as if other requests had it
    refused = service.client.post("/score", content=b"x" * 2**21, headers={"Content-Type": ARROW})
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert service.client.post("/score", json={"rows": large["rows"][:10]}).status_code == 200
    wait_until(lambda: memory.taken == 7 * 2**20)

"""Arrow streams in and out of the three endpoints say the same as JSON does."""

import json

import numpy as np
import pyarrow as pa
import pytest

from madeira.models import DensityEstimator
from tests.app.alike import as_rows, assert_rows_alike
from tests.app.running import RunningService, assert_problem
from tests.app.streams import ARROW, post_arrow, read_stream, stream

MODEL = {b"madeira.model": b"shop", b"madeira.version": b"1"}


@pytest.fixture(scope="module")
def some(shop_table: pa.Table) -> pa.Table:
    return shop_table.slice(0, 150)  # several chunks


def test_scores_are_those_of_json(service: RunningService, some: pa.Table) -> None:
    by_json = service.post("/score", {"rows": as_rows(some), "contributions": True})
    answer = read_stream(post_arrow(service, "/score", some, contributions=True))
    assert answer.schema.metadata == MODEL
    assert answer.column_names == ["log_likelihood", "anomaly_score", "is_anomaly", "contributions"]
    for name in ("log_likelihood", "anomaly_score", "is_anomaly"):
        assert answer[name].to_pylist() == by_json[name]
    for name in by_json["contributions"][0]:
        surprises = answer["contributions"].combine_chunks().field(name).to_numpy(False)
        expected = [row[name] for row in by_json["contributions"]]
        np.testing.assert_array_equal(surprises, np.array(expected, float))


def test_scores_are_those_of_the_estimator(
    service: RunningService, some: pa.Table, estimator: DensityEstimator
) -> None:
    answer = read_stream(post_arrow(service, "/score", some))
    expected = estimator.log_prob(some)
    np.testing.assert_array_equal(answer["log_likelihood"], expected)
    assert answer.column_names == ["log_likelihood", "anomaly_score", "is_anomaly"]


def test_options_are_those_of_the_body(service: RunningService, some: pa.Table) -> None:
    document = service.post("/score", {"rows": as_rows(some), "contamination": 0.5})
    answer = read_stream(post_arrow(service, "/score", some, contamination=0.5, model="shop"))
    assert answer["is_anomaly"].to_pylist() == document["is_anomaly"]
    assert any(document["is_anomaly"])


def test_json_in_and_arrow_out(service: RunningService, some: pa.Table) -> None:
    answer = service.client.post("/score", json={"rows": as_rows(some)}, headers={"accept": ARROW})
    other = read_stream(post_arrow(service, "/score", some))
    assert read_stream(answer)["log_likelihood"].equals(other["log_likelihood"])


def test_arrow_in_and_json_out(service: RunningService, some: pa.Table) -> None:
    answer = post_arrow(service, "/score", some, accept="application/json")
    assert answer.headers["content-type"] == "application/json"
    expected = read_stream(post_arrow(service, "/score", some))["log_likelihood"].to_pylist()
    assert answer.json()["log_likelihood"] == expected


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", ARROW),
        ("application/*", ARROW),
        ("", ARROW),
        (f"{ARROW};q=0.5, application/json", "application/json"),
        (f"{ARROW}, application/json;q=0.9", ARROW),
        (f"{ARROW};q=0, */*", "application/json"),
    ],
)
def test_the_answer_is_in_the_format_of_the_body_unless_asked_for_another(
    service: RunningService, some: pa.Table, accept: str, media_type: str
) -> None:
    answer = post_arrow(service, "/score", some.slice(0, 2), accept=accept)
    assert answer.headers["content-type"] == media_type


def test_the_rows_of_a_sample_are_those_of_json(
    service: RunningService, estimator: DensityEstimator
) -> None:
    asked = {"n": 60, "seed": 3, "temperature": 0.7, "log_likelihood": True}
    headers = {"accept": ARROW}
    answer = service.client.post("/sample", json=asked, headers=headers)
    table = read_stream(answer)
    assert table.schema.metadata == {**MODEL, b"madeira.seed": b"3"}
    assert table.column_names == [*estimator.schema.names, "log_likelihood"]
    for field in estimator.schema.arrow_schema:
        assert table.schema.field(field.name).type == field.type
    document = service.post("/sample", asked)
    assert_rows_alike(as_rows(table.drop_columns(["log_likelihood"])), document["rows"])
    assert table["log_likelihood"].to_pylist() == document["log_likelihood"]


def test_a_sample_needs_no_body(service: RunningService) -> None:
    given = {"city": "Funchal", "visits": 7, "joined": "2021-06-01T12:00:00Z"}
    answer = post_arrow(service, "/sample", b"", n=40, seed=1, given=json.dumps(given))
    table = read_stream(answer)
    assert table.num_rows == 40
    assert set(table["city"].to_pylist()) == {"Funchal"}
    assert set(table["visits"].to_pylist()) == {7}
    assert {value.isoformat() for value in table["joined"].to_pylist()} == {
        "2021-06-01T12:00:00+00:00"
    }
    assert read_stream(post_arrow(service, "/sample", b"", n=2)).num_rows == 2


def test_what_is_given_may_be_a_table_of_one_row(service: RunningService, some: pa.Table) -> None:
    row = some.select(["member", "born", "visits"]).slice(4, 1)
    table = read_stream(post_arrow(service, "/sample", row, n=20, seed=5))
    for name in row.column_names:
        assert set(table[name].to_pylist()) == set(row[name].to_pylist()) - {None} or (
            row[name].null_count
        )
    given = {k: v for k, v in as_rows(row)[0].items() if v is not None}
    document = service.post("/sample", {"n": 20, "seed": 5, "given": given})
    assert_rows_alike(as_rows(table), document["rows"])


def test_an_unseen_category_that_is_given_comes_back(service: RunningService) -> None:
    answer = post_arrow(service, "/sample", b"", n=20, given='{"city": "Lisboa"}')
    assert set(read_stream(answer)["city"].to_pylist()) == {"Lisboa"}


@pytest.mark.parametrize("rows", [0, 2])
def test_what_is_given_is_one_row(service: RunningService, some: pa.Table, rows: int) -> None:
    answer = post_arrow(service, "/sample", some.select(["city"]).slice(0, rows), n=1)
    assert_problem(answer, 422)


def test_what_is_given_is_given_once(service: RunningService, some: pa.Table) -> None:
    row = some.select(["city"]).slice(0, 1)
    answer = post_arrow(service, "/sample", row, n=1, given='{"city": "Funchal"}')
    assert "not as both" in assert_problem(answer, 422)["detail"]


def test_a_large_sample_comes_in_batches(service: RunningService) -> None:
    with service.client.stream(
        "POST", "/sample", json={"n": 500}, headers={"accept": ARROW}
    ) as answer:
        content = b"".join(answer.iter_bytes())
        assert answer.headers["transfer-encoding"] == "chunked"
    with pa.ipc.open_stream(content) as reader:
        batches = [batch.num_rows for batch in reader]
    assert sum(batches) == 500
    assert max(batches) == 16  # the setting of this service


def test_imputed_rows_are_those_of_json(service: RunningService, some: pa.Table) -> None:
    table = some.drop_columns(["joined"])
    document = service.post("/impute", {"rows": as_rows(table), "seed": 9})
    answer = read_stream(post_arrow(service, "/impute", table, seed=9))
    assert answer.schema.metadata == {**MODEL, b"madeira.seed": b"9"}
    assert answer.column_names == [*table.column_names, "joined", "imputed"]
    filled = answer.drop_columns(["imputed"])
    assert not any(column.null_count for column in filled.columns)
    assert_rows_alike(as_rows(filled), document["rows"])
    sure = answer["imputed"].to_pylist()
    entries = {(entry["row"], entry["column"]): entry for entry in document["imputed"]}
    for number, row in enumerate(sure):
        for name, spread in row.items():
            if spread is None:
                assert (number, name) not in entries
            elif "probability" in spread:
                assert spread["probability"] == entries[number, name]["probability"]
            else:
                assert spread["low"] <= spread["high"]


def test_observed_cells_come_back_untouched(service: RunningService, some: pa.Table) -> None:
    answer = read_stream(post_arrow(service, "/impute", some))
    for name in some.column_names:
        assert answer.schema.field(name).type == some.schema.field(name).type
        known = np.flatnonzero(some[name].is_valid().to_numpy())
        assert answer[name].take(known).equals(some[name].take(known))


def test_several_draws_are_one_table_with_a_column_of_draws(
    service: RunningService, some: pa.Table
) -> None:
    answer = read_stream(post_arrow(service, "/impute", some, draws=3, seed=1))
    assert answer.num_rows == 3 * some.num_rows
    assert answer["draw"].to_pylist() == np.repeat(range(3), some.num_rows).tolist()
    assert answer.column_names[-2:] == ["draw", "imputed"]
    document = service.post("/impute", {"rows": as_rows(some), "draws": 3, "seed": 1})
    filled = answer.drop_columns(["draw", "imputed"])
    assert_rows_alike(as_rows(filled), [row for table in document["rows"] for row in table])


def test_json_rows_are_filled_as_arrow(service: RunningService) -> None:
    rows = [
        {"city": "Funchal", "note": 1, "joined": "2021-06-01T12:00:00.25Z", "income": 3},
        {"city": None, "note": "two", "born": "1999-12-31"},
    ]
    answer = service.client.post("/impute", json={"rows": rows}, headers={"accept": ARROW})
    table = read_stream(answer)
    assert table["city"].to_pylist()[0] == "Funchal"
    assert table["note"].to_pylist() == ["1", '"two"']
    assert str(table["joined"].to_pylist()[0]) == "2021-06-01 12:00:00.250000+00:00"
    assert table["income"].type == pa.float64()
    assert str(table["born"].to_pylist()[1]) == "1999-12-31"


def test_a_table_of_no_rows_has_empty_results(service: RunningService, some: pa.Table) -> None:
    nothing = some.slice(0, 0)
    for path, columns in (("/score", 3), ("/impute", some.num_columns + 1)):
        answer = read_stream(post_arrow(service, path, nothing))
        assert (answer.num_rows, answer.num_columns) == (0, columns)
    assert read_stream(post_arrow(service, "/score", pa.table({}))).num_rows == 0


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_a_compressed_stream_is_read(
    service: RunningService, some: pa.Table, compression: str
) -> None:
    plain = read_stream(post_arrow(service, "/score", some))
    packed = read_stream(post_arrow(service, "/score", stream(some, compression)))
    assert packed.schema.equals(plain.schema)
    assert packed.equals(plain)


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_batches_of_any_size_are_one_table(
    service: RunningService, some: pa.Table, rows: int
) -> None:
    whole = read_stream(post_arrow(service, "/score", some))
    parts = read_stream(post_arrow(service, "/score", stream(some, rows=rows)))
    assert parts["log_likelihood"].equals(whole["log_likelihood"])

"""`POST /score`: the estimator's own figures, in both input forms, and its bad input."""

import http.client
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from madeira.models import DensityEstimator
from tests.app.alike import as_rows
from tests.app.running import RunningService
from tests.waiting import steady, wait_until

LEFT_OUT = ["note", "country"]


def test_likelihoods_are_the_estimators_own(
    service: RunningService, estimator: DensityEstimator, shop_table: pa.Table
) -> None:
    answer = service.post("/score", {"model": "shop", "rows": as_rows(shop_table)})
    np.testing.assert_allclose(answer["log_likelihood"], estimator.log_prob(shop_table), rtol=1e-5)
    np.testing.assert_allclose(
        answer["anomaly_score"], estimator.anomaly_score(shop_table), atol=1e-2
    )
    assert answer["model"] == {"name": "shop", "version": "1"}
    assert set(answer) == {"model", "log_likelihood", "anomaly_score", "is_anomaly"}


def test_contributions_are_the_estimators_own_and_null_where_missing(
    service: RunningService, estimator: DensityEstimator, shop_table: pa.Table
) -> None:
    part = shop_table.slice(0, 100)
    answer = service.post("/score", {"rows": as_rows(part), "contributions": True})
    expected = estimator.contributions(part)
    names = list(estimator.schema.names)
    assert all(list(row) == names for row in answer["contributions"])
    got = np.array(
        [
            [math.nan if row[name] is None else row[name] for name in names]
            for row in answer["contributions"]
        ]
    )
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def assert_scores_alike(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Check that two answers say the same: rows scored in other batches differ in rounding."""
    assert one["model"] == other["model"]
    for key in ("log_likelihood", "anomaly_score"):
        assert one[key] == pytest.approx(other[key], rel=1e-4, abs=1e-2)
    rows, same = (pa.Table.from_pylist(answer["contributions"]) for answer in (one, other))
    assert rows.column_names == same.column_names
    for name in rows.column_names:
        found, expected = (table[name].to_numpy(zero_copy_only=False) for table in (rows, same))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_columns_and_data_score_as_rows_do(service: RunningService, shop_table: pa.Table) -> None:
    rows = as_rows(shop_table)
    names = list(rows[0])[::-1]
    data = [[row[name] for name in names] for row in rows]
    by_rows = service.post("/score", {"rows": rows, "contributions": True})
    by_data = service.post("/score", {"columns": names, "data": data, "contributions": True})
    assert_scores_alike(by_rows, by_data)


def test_an_absent_key_is_a_null(service: RunningService) -> None:
    absent = service.post("/score", {"rows": [{"city": "Funchal"}]})
    null = service.post("/score", {"rows": [{"city": "Funchal", "member": None, "note": None}]})
    columns = service.post("/score", {"columns": ["city"], "data": [["Funchal"]]})
    assert absent == null == columns


def test_a_row_of_which_nothing_is_known_is_certain(service: RunningService) -> None:
    answer = service.post("/score", {"rows": [{}, {"note": "left out, so of no effect"}]})
    assert answer["log_likelihood"] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert answer["is_anomaly"] == [False, False]


@pytest.mark.parametrize(
    "table", [{"rows": []}, {"columns": ["city"], "data": []}, {"columns": [], "data": []}]
)
def test_no_rows_have_no_results(service: RunningService, table: dict[str, Any]) -> None:
    answer = service.post("/score", {**table, "contributions": True})
    assert answer == {
        "model": {"name": "shop", "version": "1"},
        "log_likelihood": [],
        "anomaly_score": [],
        "is_anomaly": [],
        "contributions": [],
    }


def test_contamination_is_the_threshold(service: RunningService, shop_table: pa.Table) -> None:
    rows = as_rows(shop_table)
    scores = service.post("/score", {"rows": rows})["anomaly_score"]
    for contamination in (0.01, 0.05, 0.5):
        answer = service.post("/score", {"rows": rows, "contamination": contamination})
        assert answer["is_anomaly"] == [score > 1 - contamination for score in scores]
    default = service.post("/score", {"rows": rows})["is_anomaly"]
    assert default == [score > 0.99 for score in scores]


def test_an_unseen_category_is_data(service: RunningService) -> None:
    seen, unseen = service.post("/score", {"rows": [{"city": "Funchal"}, {"city": "Lisboa"}]})[
        "log_likelihood"
    ]
    assert unseen < seen


def test_extreme_numbers_have_finite_likelihoods(service: RunningService) -> None:
    extremes = [1e308, -1e308, 5e-324, 0, 2**53 + 1, 2**63, -(2**63), 2**64 - 1, 10**30]
    rows = [{"income": number} for number in extremes]
    rows += [{"visits": number} for number in extremes if number == int(number)]
    answer = service.post("/score", {"rows": rows, "contributions": True})
    for key in ("log_likelihood", "anomaly_score"):
        assert np.isfinite(np.array(answer[key], dtype=float)).all()


def test_whole_numbers_beside_fractions_and_gaps(service: RunningService) -> None:
    answer = service.post("/score", {"rows": [{"income": 1}, {"income": 1.0}, {"income": None}]})
    assert answer["log_likelihood"][0] == answer["log_likelihood"][1]
    assert answer["log_likelihood"][2] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "instant",
    ["2021-03-04T05:06:07Z", "2021-03-04T06:06:07+01:00", "2021-03-04 05:06:07"],
)
def test_instants_are_iso_8601(service: RunningService, instant: str) -> None:
    answer = service.post(
        "/score", {"rows": [{"joined": instant}, {"joined": "2021-03-04T05:06:07Z"}]}
    )
    assert answer["log_likelihood"][0] == answer["log_likelihood"][1]


@pytest.mark.parametrize("left_out", LEFT_OUT)
def test_a_column_left_out_may_hold_anything(service: RunningService, left_out: str) -> None:
    for value in (1, "x", True, None, [1], {"a": 1}):
        service.post("/score", {"rows": [{"city": "Funchal", left_out: value}]})
        service.post("/score", {"columns": ["city", left_out], "data": [["Funchal", value]]})


def test_options_may_be_null(service: RunningService) -> None:
    service.post(
        "/score",
        {"model": None, "rows": [{}], "contamination": None, "contributions": None, "data": None},
    )


def test_scoring_stops_when_nobody_waits(service: RunningService) -> None:
    engine = service.app.state.plane.engine
    before = engine.executed
    body = json.dumps({"rows": [{"city": "Funchal", "income": 5.5}] * 60_000})
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("POST", "/score", body, {"Content-Type": "application/json"})
    wait_until(lambda: engine.executed > before, pause_s=0.001)
    connection.close()
    service.post("/score", {"rows": [{}]})
    assert steady(lambda: engine.executed, 0.3) - before < 60_000 // 64


def test_cells_and_reasons_say_what_is_odd(
    service: RunningService, estimator: DensityEstimator, shop_table: pa.Table
) -> None:
    rows = as_rows(shop_table.slice(0, 20))
    answer = service.post(
        "/score", {"rows": rows, "cell_anomaly": True, "reasons": True, "contamination": 0.5}
    )
    names = list(estimator.schema.names)
    assert all(list(row) == names for row in answer["cell_anomaly"])
    expected = estimator.cell_anomaly(shop_table.slice(0, 20))
    got = [
        [math.nan if row[n] is None else row[n] for n in names] for row in answer["cell_anomaly"]
    ]
    np.testing.assert_allclose(np.array(got), expected, atol=1e-3)
    assert len(answer["reasons"]) == 20
    for reasons, flagged in zip(answer["reasons"], answer["is_anomaly"], strict=True):
        assert flagged or not reasons
        for reason in reasons:
            assert set(reason) == {"column", "value", "expected", "p"}
            assert reason["value"] not in reason["expected"]
            assert 0 < reason["p"] < 0.05


def test_a_category_that_nobody_knows_is_a_reason_as_it_was_sent(
    service: RunningService, estimator: DensityEstimator, shop_table: pa.Table
) -> None:
    named = [c.name for c in estimator.schema.columns if c.kind == "categorical"]
    row = {**as_rows(shop_table.slice(0, 1))[0], named[0]: "no such"}
    answer = service.post("/score", {"rows": [row], "reasons": True, "contamination": 0.5})
    found = {reason["column"]: reason["value"] for reason in answer["reasons"][0]}
    assert not answer["is_anomaly"][0] or found[named[0]] == "no such"

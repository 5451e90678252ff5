"""`/metrics` counts what was done, and shows how likely scored rows are."""

import re

import numpy as np
import pyarrow as pa

from madeira.app.jobs import ModelKey
from madeira.app.metrics import Metrics, Reading
from tests.app.alike import as_rows
from tests.app.running import RunningService
from tests.waiting import wait_until

KEY = ModelKey("shop", "1")
NOTHING = Reading(1, 0, ())


def numbers(page: str) -> dict[str, float]:
    """Value by name and labels."""
    lines = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_a_request_is_counted_by_route_and_status(
    service: RunningService, shop_table: pa.Table
) -> None:
    before = numbers(service.client.get("/metrics").text)
    rows = as_rows(shop_table.slice(0, 100))
    service.post("/score", {"rows": rows})
    service.refuse("/score", {"rows": 1})
    service.client.get("/nowhere")
    answer = service.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    after = numbers(answer.text)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0.0)

    assert grown('madeira_requests_total{route="/score",status="200"}') == 1
    assert grown('madeira_requests_total{route="/score",status="422"}') == 1
    assert grown('madeira_requests_total{route="other",status="404"}') == 1
    assert grown('madeira_request_seconds_count{route="/score"}') == 2
    assert grown('madeira_rows_total{job="score",model="shop",version="1"}') >= 100
    assert after["madeira_queue_cost"] == 0
    assert after["madeira_workers_usable"] == 1
    assert after["madeira_worker_restarts"] == 0
    assert after['madeira_worker_memory_bytes{worker="0"}'] > 2**20
    assert after["madeira_wait_seconds_count"] >= 1
    assert after["madeira_batch_rows_count"] >= 1
    assert after['madeira_model_loads_total{model="shop",result="loaded"}'] == 1


def test_scored_rows_stand_beside_the_models_own(
    service: RunningService, shop_table: pa.Table
) -> None:
    wait_until(lambda: 'quantile="0.5"' in service.client.get("/metrics").text, pause_s=0.1)
    page = service.client.get("/metrics").text
    labels = 'model="shop",version="1"'
    before = numbers(page).get(f"madeira_log_likelihood_count{{{labels}}}", 0.0)
    service.post("/score", {"rows": as_rows(shop_table.slice(0, 50))})
    found = numbers(service.client.get("/metrics").text)
    assert found[f"madeira_log_likelihood_count{{{labels}}}"] - before == 50
    buckets = [
        (float(edge), value)
        for name, value in found.items()
        if (edge := "".join(re.findall(r'madeira_log_likelihood_bucket{le="([^"]+)"', name)))
    ]
    assert [value for _, value in sorted(buckets)] == sorted(value for _, value in buckets)


def test_likelihoods_are_counted_in_the_buckets_they_lie_in() -> None:
    metrics = Metrics()
    metrics.refer(KEY, np.linspace(-10.0, 0.0, 1001))
    scored = np.array([-1000.0, -5.1, -5.0, 3.0])
    metrics.scored(KEY, scored)
    found = numbers(metrics.page(NOTHING).decode())
    labels = 'model="shop",version="1"'
    assert found[f"madeira_log_likelihood_count{{{labels}}}"] == 4
    assert found[f'madeira_log_likelihood_bucket{{le="-5.0",{labels}}}'] == 3
    assert found[f'madeira_log_likelihood_bucket{{le="+Inf",{labels}}}'] == 4
    assert found['madeira_reference_log_likelihood{model="shop",quantile="0.5",version="1"}'] == -5


def test_two_versions_are_told_apart() -> None:
    metrics = Metrics()
    for version in ("1", "2"):
        key = ModelKey("shop", version)
        metrics.refer(key, np.linspace(-10.0, float(version), 100))
        metrics.scored(key, np.zeros(int(version)))
    page = metrics.page(NOTHING).decode()
    assert page.count("# TYPE madeira_log_likelihood histogram") == 1
    found = numbers(page)
    for rows in (1, 2):
        name = f'madeira_log_likelihood_count{{model="shop",version="{rows}"}}'
        assert found[name] == rows

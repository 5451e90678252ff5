"""Traces are taken where the environment asks for them, and cost nothing where it does not."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from madeira.app.errors import SettingsError
from madeira.app.settings import Settings
from madeira.app.traces import Traces, traces_of
from tests.app.running import RunningService, running

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(scope="module")
def memory() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture(scope="module")
def traced(checkpoints: Path, memory: InMemorySpanExporter) -> Iterator[RunningService]:
    settings = Settings.read(checkpoints=checkpoints, threads=1, compute_chunk_rows=64)
    with running(settings, traces=Traces(SimpleSpanProcessor(memory))) as found:
        yield found


def spans_of(
    traced: RunningService, memory: InMemorySpanExporter, path: str, **options: object
) -> list[ReadableSpan]:
    """Return the spans of one request, its own at the end."""
    memory.clear()
    answer = traced.client.post(path, **options)  # type: ignore[arg-type]
    assert answer.status_code < 500
    traced.client.get("/health/live")  # behind it, the first is over
    trace = next(
        span.context.trace_id
        for span in memory.get_finished_spans()
        if span.context and span.name == f"POST {path}"
    )
    spans = [
        span
        for span in memory.get_finished_spans()
        if span.context and span.context.trace_id == trace
    ]
    return sorted(spans, key=lambda span: span.kind is SpanKind.SERVER)


def test_a_request_is_a_span_with_children(
    traced: RunningService, memory: InMemorySpanExporter
) -> None:
    *children, request = spans_of(
        traced, memory, "/score", json={"rows": [{}, {}]}, headers={"x-request-id": "traced-1"}
    )
    assert request.name == "POST /score"
    assert request.parent is None
    assert dict(request.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/score",
        "http.response.status_code": 200,
        "madeira.request_id": "traced-1",
        "madeira.rows": 2,
        "madeira.model": "shop",
        "madeira.version": "1",
    }
    assert request.resource.attributes["service.name"] == "madeira"
    assert sorted(child.name for child in children) == ["codec", "codec", "compute", "wait"]
    assert request.start_time is not None
    assert request.end_time is not None
    for child in children:
        assert child.parent == request.context
        assert child.start_time is not None
        assert child.end_time is not None
        assert child.start_time <= child.end_time <= request.end_time


def test_it_is_the_child_of_the_caller(
    traced: RunningService, memory: InMemorySpanExporter
) -> None:
    *_, request = spans_of(
        traced,
        memory,
        "/score",
        json={"rows": [{}]},
        headers={"traceparent": f"00-{TRACE}-{PARENT}-01"},
    )
    assert request.context is not None
    assert request.context.trace_id == int(TRACE, 16)
    assert request.parent is not None
    assert request.parent.span_id == int(PARENT, 16)


def test_a_caller_that_is_not_sampled_has_no_span(
    traced: RunningService, memory: InMemorySpanExporter
) -> None:
    memory.clear()
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
    traced.client.post("/score", json={"rows": [{}]}, headers=headers)
    traced.client.get("/health/live", headers=headers)
    assert memory.get_finished_spans() == ()


def test_a_mistake_of_the_caller_is_no_error_of_the_service(
    traced: RunningService, memory: InMemorySpanExporter
) -> None:
    *_, request = spans_of(traced, memory, "/score", json={"rows": 1})
    assert (request.attributes or {})["http.response.status_code"] == 422
    assert request.status.status_code is StatusCode.UNSET


def test_a_large_request_has_a_bounded_trace(
    traced: RunningService, memory: InMemorySpanExporter
) -> None:
    body = {"columns": ["city"], "data": [["Funchal"]] * (64 * 200)}
    *children, _ = spans_of(traced, memory, "/score", json=body)
    assert 100 < len(children) <= 128


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
    ],
)
def test_nothing_is_imported_where_nothing_is_asked_for(environment: dict[str, str]) -> None:
    program = (
        "import sys; from madeira.app.main import create_app\n"
        "from madeira.app.settings import Settings\n"
        "create_app(Settings())\n"
        "sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert done.returncode == 0


def test_what_cannot_be_met_is_refused() -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with pytest.raises(SettingsError, match="expected http/protobuf"):
        traces_of({**endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    with pytest.raises(SettingsError, match="expected otlp, console or none"):
        traces_of({"OTEL_TRACES_EXPORTER": "zipkin"})


def test_spans_go_to_the_endpoint_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["content-length"])
            came.append((self.path, self.rfile.read(size)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "density-of-shops")
        traces = traces_of()
        assert traces is not None
        span = traces.begin("GET", httpx.Headers())
        assert span is not None
        span.end("GET", "/models", 200, {"madeira.rows": 3})
        traces.close()
        server.shutdown()
    ((path, content),) = came
    assert path == "/v1/traces"
    assert b"density-of-shops" in content
    assert b"GET /models" in content

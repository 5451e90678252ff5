"""OpenTelemetry traces: one span a request, where the environment asks for them.

What they cost without the extra `otel`, or where nothing is exported, is one comparison a request:
the packages are imported only when a request is to be traced. Everything is set by the variables
of the OpenTelemetry specification (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from madeira.app.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span

__all__ = ["RequestSpan", "Traces", "traces_of"]

log = logging.getLogger(__name__)

MAX_STAGES = 128
"""Most child spans of one request: a million rows are computed in as many chunks."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP = "http/protobuf"
_SERVER_ERROR = 500

Attributes = Mapping[str, str | int | None]


class RequestSpan:
    """The span of one request that is under way.

    Args:
        traces: What takes it.
        span: The span itself.
    """

    __slots__ = ("_left", "_span", "_traces")

    def __init__(self, traces: "Traces", span: "Span") -> None:
        self._traces = traces
        self._span = span
        self._left = MAX_STAGES

    def stage(self, name: str, began_ns: int, ended_ns: int, attributes: Attributes) -> None:
        """Add a child span; beyond so many, none.

        Args:
            name: Name of the span.
            began_ns: When it began, nanoseconds since 1970.
            ended_ns: When it ended.
            attributes: Attributes of the span.
        """
        if self._left:
            self._left -= 1
            self._traces.child(self._span, name, began_ns, ended_ns, attributes)

    @contextmanager
    def timed(self, name: str, **attributes: str | int) -> Iterator[None]:
        """Add a child span for the duration of the context."""
        began = time.time_ns()
        try:
            yield
        finally:
            self.stage(name, began, time.time_ns(), attributes)

    def end(self, method: str, route: str, status: int, attributes: Attributes) -> None:
        """End the span.

        Args:
            method: Of the request.
            route: Template of its path.
            status: Of the answer.
            attributes: What else is known of it; None is not.
        """
        self._traces.end(self._span, method, route, status, attributes)


class Traces:
    """Takes spans and passes them on.

    Args:
        processor: Where finished spans go.
    """

    def __init__(self, processor: "SpanProcessor") -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        # A name that the environment gives (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) wins.
        resource = Resource.create({"service.name": "madeira"}).merge(
            OTELResourceDetector().detect()
        )
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("madeira")
        self._api = trace
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, name: str, headers: Mapping[str, str]) -> RequestSpan | None:
        """Begin the span of a request.

        Args:
            name: Of the span until its route is known.
            headers: Of the request; `traceparent` says whose child it is.

        Returns:
            The span; None where this request is not sampled.
        """
        span = self._tracer.start_span(
            name, self._propagator.extract(headers), self._api.SpanKind.SERVER
        )
        return RequestSpan(self, span) if span.is_recording() else None

    def child(
        self, span: "Span", name: str, began_ns: int, ended_ns: int, attributes: Attributes
    ) -> None:
        """Add a span that has ended.

        Args:
            span: Its parent.
            name: Its name.
            began_ns: Time of its beginning, nanoseconds since 1970.
            ended_ns: Time of its end, likewise.
            attributes: Its attributes; those that are None are skipped.
        """
        known = {key: value for key, value in attributes.items() if value is not None}
        context = self._api.set_span_in_context(span)
        self._tracer.start_span(
            name, context, attributes=known, start_time=min(began_ns, ended_ns)
        ).end(ended_ns)

    def end(
        self, span: "Span", method: str, route: str, status: int, attributes: Attributes
    ) -> None:
        """End the span of a request.

        Args:
            span: The span.
            method: HTTP method of the request.
            route: Route of the request.
            status: HTTP status of the answer.
            attributes: Further attributes; those that are None are skipped.
        """
        span.update_name(f"{method} {route}")
        known = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            **attributes,
        }
        span.set_attributes({key: value for key, value in known.items() if value is not None})
        if status >= _SERVER_ERROR:
            span.set_status(self._api.StatusCode.ERROR)
        span.end()

    def close(self) -> None:
        """Pass on the spans that are left; may take as long as the exporter waits."""
        self._provider.shutdown()


def traces_of(environment: Mapping[str, str] = os.environ) -> Traces | None:
    """Return the traces that the variables of OpenTelemetry ask for.

    Args:
        environment: Says whether there are traces at all; the rest is read by OpenTelemetry.

    Returns:
        None where traces are off, go nowhere, or the extra is not installed.

    Raises:
        SettingsError: They ask for an exporter or a protocol that is not there.
    """
    kind = environment.get("OTEL_TRACES_EXPORTER", "otlp").strip() or "otlp"
    off = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if off or kind == "none":
        return None
    if kind not in ("otlp", "console"):
        raise SettingsError(f"OTEL_TRACES_EXPORTER = {kind!r}: expected otlp, console or none")
    if kind == "otlp" and not any(environment.get(name) for name in _ENDPOINTS):
        return None
    protocol = next((value for name in _PROTOCOLS if (value := environment.get(name))), _HTTP)
    if kind == "otlp" and protocol != _HTTP:
        raise SettingsError(f"{_PROTOCOLS[1]} = {protocol!r}: expected {_HTTP}")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import (
            BatchSpanProcessor,
            ConsoleSpanExporter,
            SpanExporter,
        )
    except ImportError:
        log.warning("traces are asked for, and not taken: pip install 'madeira[otel]'")
        return None
    exporter: SpanExporter = ConsoleSpanExporter() if kind == "console" else OTLPSpanExporter()
    return Traces(BatchSpanProcessor(exporter))

"""Metrics of the service for Prometheus.

Each API process has one `Metrics`. The work of workers is counted there too, from their answers. If
several API processes share workers, each keeps its numbers in mapped files of one directory, and
the process that is asked adds all of them up. The numbers of a process that has ended stay in the
sums, so that counters never decrease. The directory exists as long as the service.

There is no loop over rows in Python: NumPy counts likelihoods, one chunk at a time.
"""

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from madeira.app.jobs import ModelKey
from madeira.app.settings import COUNTS_VARIABLE
from madeira.models.arrays import Float64

__all__ = ["Metrics", "Reading"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
QUANTILES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_BELOW = (30.0, 10.0, 3.0, 1.0)
"""Buckets below all reference rows: so many times the spread from the lowest quantile."""

_MODEL = ("model", "version")

disable_created_metrics()  # type: ignore[no-untyped-call]  # an unnecessary second series for each
_PAGE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reading:
    """Numbers that are read at each request of the metrics, and belong to no process.

    Attributes:
        workers_usable: Workers that can compute.
        restarts: Workers that have been replaced since the service started.
        worker_pids: The process of each worker.
    """

    workers_usable: int
    restarts: int
    worker_pids: tuple[int | None, ...]


class Metrics:
    """Counters and histograms of one API process."""

    media_type = _PAGE

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        self._shared = os.environ.get(COUNTS_VARIABLE)
        self._requests = Counter(
            "madeira_requests", "Requests answered.", ("route", "status"), registry=self._own
        )
        self._seconds = Histogram(
            "madeira_request_seconds",
            "Seconds from the first byte of a request to the last of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._own,
        )
        self._rows = Counter("madeira_rows", "Rows computed.", ("job", *_MODEL), registry=self._own)
        self._wait = Histogram(
            "madeira_wait_seconds",
            "Seconds that jobs waited, transfers included.",
            buckets=_SECONDS,
            registry=self._own,
        )
        self._compute = Histogram(
            "madeira_compute_seconds",
            "Seconds of the batch that computed a job.",
            ("job",),
            buckets=_SECONDS,
            registry=self._own,
        )
        self._batch = Histogram(
            "madeira_batch_rows",
            "Rows of the batch that computed a job.",
            buckets=_ROWS,
            registry=self._own,
        )
        self._queue = Gauge(
            "madeira_queue_cost",
            "What admitted requests have reserved: rows scored, cells drawn.",
            multiprocess_mode="livesum",
            registry=self._own,
        )
        self._loads = Counter(
            "madeira_model_loads",
            "Versions taken into service.",
            ("model", "result"),
            registry=self._own,
        )
        self._likelihoods: dict[ModelKey, tuple[Histogram, Histogram, Float64]] = {}
        self._computed: dict[tuple[str, ModelKey], tuple[Counter, Histogram]] = {}
        self._answered: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._references: dict[ModelKey, Float64] = {}

    # ------------------------------------------------------------ counting

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request.

        Args:
            route: Its route.
            status: HTTP status of the answer.
            seconds: Duration of the request.
        """
        known = self._answered.get((route, status))
        if known is None:  # finding the series of labels takes longer than to count
            known = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._answered[route, status] = known
        counter, histogram = known
        counter.inc()
        histogram.observe(seconds)

    def computed(
        self,
        kind: str,
        key: ModelKey,
        rows: int,
        waited_s: Sequence[float],
        seconds: float,
        batch: int,
    ) -> None:
        """Count jobs of one batch.

        Args:
            kind: Kind of the jobs.
            key: The model.
            rows: Rows of all the jobs.
            waited_s: Seconds of each job from submission to answer, without the computation.
            seconds: Duration of the batch.
            batch: Rows of the batch.
        """
        known = self._computed.get((kind, key))
        if known is None:
            labels = kind, key.name, key.version
            known = self._rows.labels(*labels), self._compute.labels(kind)
            self._computed[kind, key] = known
        counter, histogram = known
        counter.inc(rows)
        for wait in waited_s:
            self._wait.observe(wait)
        _observe(histogram, seconds, len(waited_s))
        _observe(self._batch, batch, len(waited_s))

    def queued(self, cost: float) -> None:
        """Set the cost of the admitted work."""
        self._queue.set(cost)

    def tried(self, key: ModelKey, *, loaded: bool) -> None:
        """Count a version that was loaded, or failed to load.

        Args:
            key: The version.
            loaded: Whether it was loaded.
        """
        self._loads.labels(key.name, "loaded" if loaded else "failed").inc()

    def refer(self, key: ModelKey, log_likelihood: Float64) -> None:
        """Make the histogram of a version, with quantiles of its reference rows as edges.

        Args:
            key: The version.
            log_likelihood: Log-likelihoods of the reference rows, nats, (rows,).
        """
        quantiles = np.quantile(log_likelihood, QUANTILES)
        spread = max(float(quantiles[4] - quantiles[1]), 1e-3)
        below = [float(quantiles[0]) - spread * times for times in _BELOW]
        edges = sorted({round(edge, 3) for edge in (*below, *quantiles.tolist())})
        self._references[key] = quantiles
        histogram = Histogram(
            "madeira_log_likelihood",
            "Nats of scored rows; the edges are quantiles of the model's own rows.",
            _MODEL,
            buckets=edges,
            registry=None,
        )
        child = histogram.labels(key.name, key.version)
        self._likelihoods[key] = histogram, child, np.array(edges)

    def scored(self, key: ModelKey, log_likelihood: Float64) -> None:
        """Count scored rows.

        Args:
            key: The version.
            log_likelihood: Log-likelihoods of the rows, nats, (rows,).
        """
        known = self._likelihoods.get(key)
        if known is None or not len(log_likelihood):
            return
        _, child, edges = known
        places = edges.searchsorted(log_likelihood)
        if len(places) == 1:
            child._buckets[places[0]].inc(1)
            return
        counts = np.bincount(places)
        for place in counts.nonzero()[0].tolist():
            child._buckets[place].inc(int(counts[place]))

    def forget(self, key: ModelKey) -> None:
        """Remove the series of a version that is no longer served."""
        self._references.pop(key, None)
        if self._shared is None:
            self._likelihoods.pop(key, None)

    # ------------------------------------------------------------ reading

    def page(self, reading: Reading) -> bytes:
        """All numbers in the text format of Prometheus."""
        registry = CollectorRegistry()
        if self._shared is not None:
            MultiProcessCollector(registry, self._shared)  # type: ignore[no-untyped-call]
        else:
            registry.register(_Families(self._own.collect))
            registry.register(_Families(self._merged_likelihoods))
        registry.register(_Families(lambda: self._read(reading)))
        page: bytes = generate_latest(registry)
        return page

    def _merged_likelihoods(self) -> Iterator[Metric]:
        merged: Metric | None = None
        for histogram, *_ in self._likelihoods.values():
            for family in histogram.collect():
                if merged is None:
                    merged = family
                else:
                    merged.samples.extend(family.samples)
        if merged is not None:
            yield merged

    def _read(self, reading: Reading) -> Iterator[Metric]:
        yield _gauge("madeira_workers_usable", "Workers that can compute.", reading.workers_usable)
        yield _gauge(
            "madeira_worker_restarts", "Workers replaced since the start.", reading.restarts
        )
        memory = GaugeMetricFamily(
            "madeira_worker_memory_bytes", "Resident memory.", labels=("worker",)
        )
        for place, pid in enumerate(reading.worker_pids):
            resident = _resident_bytes(pid)
            if resident is not None:
                memory.add_metric((str(place),), resident)
        yield memory
        quantiles = GaugeMetricFamily(
            "madeira_reference_log_likelihood",
            "Quantiles of the nats of rows drawn from the model itself.",
            labels=(*_MODEL, "quantile"),
        )
        for key, values in self._references.items():
            for quantile, value in zip(QUANTILES, values.tolist(), strict=True):
                quantiles.add_metric((key.name, key.version, str(quantile)), value)
        yield quantiles


class _Families:
    """A collector that asks a function."""

    def __init__(self, ask: Callable[[], Iterable[Metric]]) -> None:
        self._ask = ask

    def collect(self) -> Iterable[Metric]:
        return self._ask()

    def describe(self) -> Iterable[Metric]:
        return ()


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _observe(histogram: Histogram, value: float, times: int) -> None:
    """Observe one value several times; the library has no method for it."""
    place = bisect_left(histogram._upper_bounds, value)
    histogram._buckets[place].inc(times)
    histogram._sum.inc(times * value)


def _resident_bytes(pid: int | None) -> int | None:
    """Resident memory of a process; None where there is none, or the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")

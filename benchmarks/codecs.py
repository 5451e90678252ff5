"""How long bodies take to become encoded arrays, and scores to become bytes, beside bare readers.

`python -m benchmarks.codecs`; in one process, without HTTP, on one thread. Each figure is the
least of several runs, in seconds of the processor: others may run beside it.
"""

import argparse
import io
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv
import torch

from benchmarks.report import Report
from madeira.app.codecs.answers import Samples, Scores
from madeira.app.codecs.formats import FORMATS, format_of_short
from madeira.app.jobs import ModelKey, SampleResult
from madeira.models.arrays import Float64
from madeira.models.schema.schema import Schema

__all__ = ["main", "measure_codecs"]

FLOATS = (1000, 100)
MIXED_ROWS, QUICK_ROWS = 100_000, 5_000
LIMIT_BYTES = 2**30
RUNS, QUICK_RUNS = 15, 3
KEY = ModelKey("measured", "1")


def floats() -> pa.Table:
    """Return 1000 rows of 100 normal numbers."""
    numbers = np.random.default_rng(0).normal(size=FLOATS)
    return pa.table({f"x{place}": numbers[:, place] for place in range(FLOATS[1])})


def mixed(rows: int) -> pa.Table:
    """Return rows of 15 columns: five of categories, five of numbers, five others."""
    rng = np.random.default_rng(1)
    columns: dict[str, pa.Array] = {}
    for place in range(5):
        words = np.array([f"word {place} {number}" for number in range(4 + 5 * place)])
        columns[f"category{place}"] = pa.array(rng.choice(words, rows))
        columns[f"number{place}"] = pa.array(rng.normal(100 * place, 10, rows).round(2))
    columns["whole"] = pa.array(rng.poisson(40, rows))
    columns["flag"] = pa.array(rng.random(rows) < 0.3)
    columns["day"] = pa.array(rng.integers(0, 9000, rows).astype(np.int32)).cast(pa.date32())
    columns["gaps"] = pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.2)
    columns["year"] = pa.array(rng.integers(1990, 2025, rows))
    return pa.table(columns)


def body(short: str, table: pa.Table, schema: Schema) -> bytes:
    """Return a table as a body of a format."""
    if short == "json":
        return orjson.dumps({"columns": table.column_names, "data": _rows(table)})
    form = format_of_short(short)
    assert form is not None  # noqa: S101 - a name written here
    writer = form.samples(Samples(KEY, schema, (), None, {}, table.num_rows))
    codes = schema.encode(table)
    return writer.write(SampleResult(codes, None)) + writer.end()


def _rows(table: pa.Table) -> list[list[object]]:
    columns = [
        [str(value) if pa.types.is_date(column.type) and value else value for value in values]
        for column, values in ((one, one.to_pylist()) for one in table.columns)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def encoded(short: str, content: bytes, schema: Schema) -> Float64:
    """Return what a body becomes before it is computed with."""
    form = format_of_short(short)
    assert form is not None  # noqa: S101 - a name written here
    return form.parse(content, 10**6, LIMIT_BYTES).table(schema, left_out=False).encode(schema)


def written(short: str, answer: Scores) -> int:
    """Return how long an answer is, once it is written."""
    form = format_of_short(short)
    assert form is not None  # noqa: S101 - a name written here
    return len(b"".join(form.scores(answer)))


def least(call: Callable[[], object], runs: int) -> float:
    """Return the least time of several calls, in seconds of the processor."""
    found = []
    for _ in range(runs):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return min(found)


def memory(call: Callable[[], object]) -> int:
    """Return the most bytes that a call holds at once, of Python, NumPy and Arrow together."""
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    tracemalloc.start()
    kept = call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held: int = pool.bytes_allocated() - before
    del kept
    return peak + max(held, 0)


def measure_codecs(report: Report, quick: bool) -> None:
    """Time every format on 1000 x 100 floats and on a mixed table, beside bare readers."""
    runs = QUICK_RUNS if quick else RUNS
    torch.set_num_threads(1)
    table = floats()
    schema = Schema.infer(table, dict.fromkeys(table.column_names, "continuous"))
    names = table.column_names
    bodies = {short: body(short, table, schema) for short in _shorts()}

    def by_orjson() -> object:
        return np.array(orjson.loads(bodies["json"])["data"], np.float64)

    def by_arrow() -> object:
        options = pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float64()))
        one = pa_csv.ReadOptions(use_threads=False)
        return pa_csv.read_csv(io.BytesIO(bodies["csv"]), one, convert_options=options)

    times = {short: least(partial(encoded, short, bodies[short], schema), runs) for short in bodies}
    bare_json, bare_csv = least(by_orjson, runs), least(by_arrow, runs)
    codes = schema.encode(table)
    encoding = least(lambda: schema.encode(table), runs)
    for short, seconds in times.items():
        size = len(bodies[short])
        held = memory(partial(encoded, short, bodies[short], schema)) / size
        extra = {"size, KiB": size / 1024, "memory, times the body": held}
        report.record(f"1000 x 100 floats to codes, {short}", 1000 * seconds, "ms", **extra)
    held = memory(by_orjson) / len(bodies["json"])
    extra = {"memory, times the body": held}
    report.record("1000 x 100 floats, orjson and NumPy alone", 1000 * bare_json, "ms", **extra)
    report.record("1000 x 100 floats, pyarrow's CSV reader alone", 1000 * bare_csv, "ms")
    report.record("1000 x 100 floats, Arrow to codes alone", 1000 * encoding, "ms")
    for name, value, most in (
        ("JSON, times orjson and NumPy", (times["json"] - encoding) / bare_json, 1.3),
        ("CSV, times pyarrow's reader", (times["csv"] - encoding) / bare_csv, 1.5),
        ("Arrow, share of JSON", (times["arrows"] - encoding) / times["json"], 0.1),
        ("npy, share of JSON", (times["npy"] - encoding) / times["json"], 0.1),
    ):
        report.limit(f"{name}, encoding aside", value, "", most)

    rows, width = codes.shape
    numbers = np.random.default_rng(2).normal(size=(rows, width))
    one = numbers[:, 0].copy()
    answer = Scores(KEY, schema, (), None, one, one, one > 0, numbers, None, None)
    for short in bodies:
        seconds = least(partial(written, short, answer), runs)
        report.record(f"1000 x 100 contributions to bytes, {short}", 1000 * seconds, "ms")

    table = mixed(QUICK_ROWS if quick else MIXED_ROWS)
    schema = Schema.infer(table)
    for short, target in (
        ("arrows", 300_000),
        ("csv", 150_000),
        ("parquet", None),
        ("ndjson", None),
    ):
        content = body(short, table, schema)
        seconds = least(partial(encoded, short, content, schema), 3)
        name = f"mixed table of 15 columns to codes, {short}"
        rate = table.num_rows / seconds
        if target is None:
            report.record(name, rate, "rows/s")
        else:
            report.exceed(name, rate, "rows/s", "target", target)


def _shorts() -> list[str]:
    return [one.short for one in FORMATS.values()]


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    report = Report("codecs", arguments.quick)
    measure_codecs(report, arguments.quick)
    report.write()


if __name__ == "__main__":
    main()

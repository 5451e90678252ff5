"""Arrow streams as clients write and read them."""

from typing import Any

import httpx
import pyarrow as pa

from tests.app.running import RunningService

__all__ = ["ARROW", "post_arrow", "read_stream", "stream"]

ARROW = "application/vnd.apache.arrow.stream"


def stream(table: pa.Table, compression: str | None = None, rows: int | None = None) -> bytes:
    """Return a table as a stream, in batches of so many rows."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, rows)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def read_stream(answer: httpx.Response) -> pa.Table:
    """Return the table of an answer that must be a success in Arrow."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == ARROW
    with pa.ipc.open_stream(answer.content) as reader:
        return reader.read_all()


def post_arrow(
    service: RunningService,
    path: str,
    body: pa.Table | bytes,
    accept: str = ARROW,
    **options: Any,
) -> httpx.Response:
    """Return the answer to an Arrow body with its options in the query."""
    content = body if isinstance(body, bytes) else stream(body)
    headers = {"content-type": ARROW, "accept": accept}
    return service.client.post(path, content=content, headers=headers, params=options)

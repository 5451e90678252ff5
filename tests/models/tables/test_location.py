"""A table is fetched from a URL, whole or not at all."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from madeira.models import TableFileError, read_table

TABLE = b"size,kind\n1.5,a\n2.5,b\n"


class Handler(BaseHTTPRequestHandler):
    """Answers with the table, moved, in chunks, cut short, or not at all."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer by the address."""
        content = b"size,kind\n1.5\n" if "broken" in self.path else TABLE
        if self.path.startswith("/absent"):
            self.send_error(404)
            return
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/some%20birds.csv")
            content = b""
        else:
            self.send_response(200)
        if "chunks" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content))
            return
        self.send_header("Content-Length", str(len(content) + ("cut" in self.path)))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("path", ["/some%20birds.csv", "/birds.csv?page=2", "/moved.csv"])
def test_a_table_is_fetched(site: str, path: str) -> None:
    assert read_table(site + path).to_pydict() == {"size": [1.5, 2.5], "kind": ["a", "b"]}


def test_a_table_that_comes_in_chunks_is_fetched(site: str) -> None:
    assert read_table(f"{site}/chunks.csv").num_rows == 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/absent.csv", "absent.csv cannot be fetched: HTTP Error 404: Not Found"),
        ("/cut.csv", "cut.csv cannot be fetched: the connection ended too early"),
        ("/broken.csv", "broken.csv has 1 field where the first line has 2"),
    ],
)
def test_what_cannot_be_fetched_is_named_by_its_address(site: str, path: str, said: str) -> None:
    with pytest.raises(TableFileError) as caught:
        read_table(site + path)
    assert site in str(caught.value)
    assert said in str(caught.value)

"""Sends bytes as they are, whatever HTTP says of them, and reads what comes back."""

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

__all__ = ["Sender", "attacking"]

ANSWER_LIMIT_S = 120.0
RECEIVE_BYTES = 2**18
PAUSE_S = 0.1
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")

Once = Callable[["Sender"], None]


class Sender:
    """One attacker on a port of the loopback interface; threads may share it.

    Args:
        port: Where to send.

    Attributes:
        statuses: What came back, by status; `cut` where nothing did.
        largest_answer: Bytes of the largest answer, its head included.
        over: Set when it is enough.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.statuses: Counter[str] = Counter()
        self.largest_answer = 0
        self.over = threading.Event()

    def connect(self) -> socket.socket:
        """Open a connection that ends with the attack at the latest."""
        made = socket.create_connection(("127.0.0.1", self._port), timeout=ANSWER_LIMIT_S)
        with self._lock:
            self._open.add(made)
        return made

    def send(self, pieces: Iterable[bytes]) -> None:
        """Send everything, as plain clients do, and only then read the answer to its end."""
        connection = self.connect()
        answer = b""
        with connection:
            with contextlib.suppress(OSError):
                for piece in pieces:
                    connection.sendall(piece)
            size = 0
            with contextlib.suppress(OSError):
                while received := connection.recv(RECEIVE_BYTES):
                    size += len(received)
                    answer = answer or received
        with self._lock:
            self._open.discard(connection)
            found = _STATUS.match(answer)
            if found is not None or not self.over.is_set():
                self.statuses[found.group(1).decode() if found else "cut"] += 1
                self.largest_answer = max(self.largest_answer, size)

    def stop(self) -> None:
        """Close all connections."""
        self.over.set()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all connections that are still open."""
        for connection in self._open:
            connection.close()


@contextlib.contextmanager
def attacking(port: int, once: Once, parallel: int) -> Iterator[Sender]:
    """Repeat an attack in several threads until the end of the context."""
    sender = Sender(port)

    def again() -> None:
        while not sender.over.is_set():
            with contextlib.suppress(OSError):
                once(sender)
            time.sleep(PAUSE_S)

    threads = [threading.Thread(target=again) for _ in range(parallel)]
    for thread in threads:
        thread.start()
    try:
        yield sender
    finally:
        sender.stop()
        for thread in threads:
            thread.join()
        sender.close()

"""The benchmark of attacks counts what came back, and sends what it says."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from benchmarks.abuse.__main__ import answered_wrongly, p99_ms, refused
from benchmarks.abuse.attacks import Attack, attacks
from benchmarks.abuse.sender import Sender, attacking
from benchmarks.serving.load import SILENT_S, Outcome

ANSWERS = (
    b"HTTP/1.1 413 X\r\ncontent-length: 2\r\n\r\nno",
    b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"",
)


@contextmanager
def server(reads_bytes: int) -> Iterator[int]:
    """Read so many bytes of each connection, answer, and close it."""

    def accept(listener: socket.socket) -> None:
        for number in range(10**9):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), connection:
                left = reads_bytes
                while left > 0 and (received := connection.recv(left)):
                    left -= len(received)
                connection.sendall(ANSWERS[number % len(ANSWERS)])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_statuses_and_connections_without_an_answer_are_counted() -> None:
    with server(10) as port:
        sender = Sender(port)
        for _ in range(6):
            sender.send([b"12345", b"67890"])
    assert sender.statuses == {"413": 2, "200": 2, "cut": 2}
    assert sender.largest_answer == len(ANSWERS[1])
    attack = Attack("x", lambda _: None, frozenset({"413"}))
    assert answered_wrongly(sender, attack) == 4


def test_an_attack_goes_on_until_the_end_and_is_then_cut_off() -> None:
    begun = threading.Event()

    def never_ending(sender: Sender) -> None:
        connection = sender.connect()
        begun.set()
        assert connection.recv(1) == b""  # only the end of the attack ends it

    with server(10**9) as port, attacking(port, never_ending, 1) as sender:
        assert begun.wait(60)
    assert not sender.statuses


def test_whatever_is_no_good_answer_counts_as_refused() -> None:
    good = Outcome(offered=10, statuses={"200": 10}, p99_ms=3.0)
    assert refused(good) == 0
    assert p99_ms(good) == 3.0
    assert p99_ms(Outcome()) == 1000 * SILENT_S
    statuses = {"200": 10, "429": 4, "503": 1}
    bad = Outcome(offered=30, statuses=statuses, cut=2, unsent=3, silent=5, wrong=6, p99_ms=3.0)
    assert refused(bad) == 21
    assert p99_ms(bad) == 1000 * SILENT_S


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("a number of 64,000 digits", 64_000, 65_000),
        ("a million rows in 224 bytes to /impute", 100, 1000),
        ("contributions of a million rows in 648 bytes", 100, 2000),
        ("a length of 5,000 digits", 5000, 6000),
        ("500,000 unknown options", 5_000_000, 20_000_000),
    ],
)
def test_an_attack_is_as_large_as_its_name_says(name: str, least: int, most: int) -> None:
    class Counting(Sender):
        def send(self, pieces: object) -> None:
            self.size = sum(map(len, pieces))  # type: ignore[call-overload]

    sender = Counting(0)
    next(attack for attack in attacks("penguins") if attack.name == name).once(sender)
    assert least <= sender.size <= most

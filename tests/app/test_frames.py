"""Frames arrive as they were sent, in whatever pieces; whatever else arrives is refused."""

import struct

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from madeira.app.errors import FrameError
from madeira.app.ipc.frames import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    Frame,
    FrameReader,
    encode_frame,
)

DTYPES = st.sampled_from(["<f8", "<i8", "|b1"])
ARRAYS = st.dictionaries(
    st.text(max_size=5),
    DTYPES.flatmap(
        lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=1, max_dims=3, min_side=0))
    ),
    max_size=4,
)
HEADERS = st.dictionaries(
    st.text(max_size=5).filter(lambda name: name != "arrays"),
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    max_size=4,
)


def receive(content: bytes, cuts: list[int]) -> list[Frame]:
    """Return the frames of some bytes that come in pieces."""
    reader, frames, start = FrameReader(), [], 0
    for size in [*cuts, len(content)]:
        part = content[start : start + size]
        while part:
            space = reader.space()
            taken = min(len(space), len(part))
            space[:taken] = part[:taken]
            del space
            frames += reader.filled(taken)
            part = part[taken:]
        start += size
    return frames


@given(st.lists(st.tuples(HEADERS, ARRAYS), max_size=4), st.lists(st.integers(1, 200), max_size=5))
def test_frames_arrive_as_they_were_sent(
    sent: list[tuple[dict[str, object], dict[str, np.ndarray]]], cuts: list[int]
) -> None:
    content = b"".join(b"".join(encode_frame(header, body)) for header, body in sent)
    received = receive(content, cuts)
    assert [frame.header for frame in received] == [header for header, _ in sent]
    for frame, (_, body) in zip(received, sent, strict=True):
        assert list(frame.arrays) == list(body)
        for name, array in body.items():
            np.testing.assert_array_equal(frame.arrays[name], array)
            assert frame.arrays[name].dtype == array.dtype
            assert frame.arrays[name].flags.writeable
            assert frame.arrays[name].flags.aligned


@pytest.mark.parametrize("rows", [1, 5_000, 70_000])
def test_large_arrays_arrive_between_small_ones(rows: int) -> None:
    large = np.arange(rows * 8.0).reshape(rows, 8)
    content = b"".join(
        b"".join(encode_frame({"number": number}, {"values": large, "one": large[:1]}))
        for number in range(3)
    )
    for cuts in ([], [7], [len(content) // 3 + 5, 100]):
        received = receive(content, cuts)
        assert [frame.header["number"] for frame in received] == [0, 1, 2]
        for frame in received:
            np.testing.assert_array_equal(frame.arrays["values"], large)
            np.testing.assert_array_equal(frame.arrays["one"], large[:1])


def prefix(header: int, body: int) -> bytes:
    return struct.pack("<4sIQ", b"MDR1", header, body)


def framed(document: object, body: bytes = b"") -> bytes:
    text = document if isinstance(document, bytes) else orjson.dumps(document)
    text += b" " * (-len(text) % 16)
    return prefix(len(text), len(body)) + text + body


@pytest.mark.parametrize(
    "content",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        prefix(MAX_HEADER_BYTES + 16, 0),
        prefix(16, MAX_BODY_BYTES + 16),
        prefix(15, 0),
        framed(b"{not json"),
        framed([]),
        framed({}),
        framed({"arrays": {}}),
        framed({"arrays": [["x", "<f8"]]}),
        framed({"arrays": [["x", "|O", [1]]]}, bytes(16)),
        framed({"arrays": [["x", "<f8", [-1]]]}, bytes(16)),
        framed({"arrays": [["x", "<f8", [1.5]]]}, bytes(16)),
        framed({"arrays": [["x", "<f8", [True]]]}, bytes(16)),
        framed({"arrays": [["x", "<f8", [3]]]}, bytes(16)),
        framed({"arrays": [["x", "<f8", [2**31, 2**31, 2**31]]]}, bytes(16)),
        framed({"arrays": [["x", "<f8", [1] * 5]]}, bytes(16)),
        framed({"arrays": []}, bytes(16)),
    ],
)
def test_what_is_no_frame_is_refused(content: bytes) -> None:
    with pytest.raises(FrameError):
        receive(content + bytes(64), [])


@given(st.binary(max_size=200), st.integers(0, 60))
def test_damaged_frames_never_do_worse_than_be_refused(noise: bytes, place: int) -> None:
    whole = b"".join(encode_frame({"kind": "x"}, {"values": np.ones((2, 3))}))
    damaged = whole[:place] + noise + whole[place + len(noise) :]
    try:
        received = receive(damaged, [])
    except FrameError:
        return
    for frame in received:
        assert isinstance(frame.header, dict)
        assert sum(array.nbytes for array in frame.arrays.values()) <= len(damaged)

"""Encoding of a text file: found from its bytes, or named by the user."""

import codecs
from typing import Final

from madeira.models.echo import quoted
from madeira.models.errors import TableFileError

__all__ = ["utf8_of"]

_SAMPLE_BYTES: Final = 4096
_CHUNK_BYTES: Final = 1 << 24
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def utf8_of(path: object, content: bytes, encoding: str | None) -> tuple[bytes, list[str]]:
    """Return a text in UTF-8 without a byte order mark, and what was assumed of it.

    Args:
        path: Of the file, for errors.
        content: Its bytes.
        encoding: As the user names it; None has it found.

    Raises:
        TableFileError: There is no such encoding, the text is not in it, or it is no text.
    """
    if encoding is not None:
        return _transcoded(path, content, encoding), []
    for mark, name in _MARKS:
        if content.startswith(mark):
            body = content[len(mark) :]
            if name != "utf-8":
                return _transcoded(path, body, name), []
            content = body
            break
    sample = content[:_SAMPLE_BYTES]
    if b"\0" in sample:
        wide = _wide(sample)
        if wide is None:
            raise TableFileError(f"{path} is not a text file; tables as text are read, such as CSV")
        return _transcoded(path, content, wide), [f"read as {wide.upper()}, by its zero bytes"]
    broken = _first_broken(content)
    if broken is None:
        return content, []
    return _of_western(path, content, broken)


def _of_western(path: object, content: bytes, broken: int) -> tuple[bytes, list[str]]:
    """Read bytes that are not UTF-8: as UTF-8 with some broken bytes, or as Windows-1252."""
    line = content.count(b"\n", 0, broken) + 1
    text = content.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    if len(text) - lost - len(text.encode("ascii", "ignore")) > lost:
        note = f"{lost} bytes are not UTF-8, the first in line {line}, and were read as \ufffd"
        return text.encode(), [note]
    try:
        text, name = content.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        text, name = content.decode("latin-1"), "Latin-1"
    found = text[broken]
    note = (
        f"line {line} is not UTF-8: read as {name}, in which it has {quoted(found)}; "
        "--encoding names another"
    )
    return text.encode(), [note]


def _transcoded(path: object, content: bytes, encoding: str) -> bytes:
    """Return a text of an encoding in UTF-8.

    Raises:
        TableFileError: There is no such encoding, or the text is not in it.
    """
    try:
        name = codecs.lookup(encoding).name
        text = content.decode(name)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableFileError(
            f"line {line} of {path} is not {encoding.upper()}; --encoding names another encoding"
        ) from error
    except (LookupError, ValueError) as error:
        raise TableFileError(
            f"there is no encoding {quoted(encoding)}; such are utf-8, latin-1, cp1252, utf-16"
        ) from error
    return text.removeprefix("\ufeff").encode("utf-8", "replace")


def _wide(sample: bytes) -> str | None:
    """Return which UTF-16 a text without a mark is in: Latin letters have every other byte zero."""
    zeros = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 4
    if zeros[1] > half and not zeros[0]:
        return "utf-16-le"
    return "utf-16-be" if zeros[0] > half and not zeros[1] else None


def _first_broken(content: bytes) -> int | None:
    """Return the place of the first byte that is not UTF-8; piece by piece, to save memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content), _CHUNK_BYTES):
        chunk = content[start : start + _CHUNK_BYTES]
        last = start + _CHUNK_BYTES >= len(content)
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, last)
        except UnicodeDecodeError as error:
            return max(start - pending + error.start, 0)
    return None

"""Forms with a file, `multipart/form-data` (RFC 7578), as browsers and `curl -F` send them."""

import re
from dataclasses import dataclass

from madeira.app.codecs.format import Format
from madeira.app.codecs.formats import find_format, format_of_suffix
from madeira.app.errors import InvalidInputError, MalformedBodyError, UnsupportedMediaError
from madeira.models.echo import quoted

__all__ = ["MEMORY_FACTOR", "Form", "boundary_of", "read_form"]

MEDIA_TYPE = "multipart/form-data"
MEMORY_FACTOR = 4
"""So many times the bytes of a form its table takes in memory, whichever format it has."""

MAX_PARTS = 64
MAX_HEAD_BYTES = 4096
MAX_FIELD_BYTES = 64 * 2**10
"""Most parts, most bytes of the head of one, and of one that is no file."""

MAX_BOUNDARY = 70
_BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,100})"|([^";,\s]{1,100}))')
_PARAMETER = re.compile(r';[ \t]*(name|filename)=(?:"([^"]*)"|([^";\s]+))')
_TYPE = re.compile(r"^content-type:[ \t]*([^;\r\n]+)", re.IGNORECASE | re.MULTILINE)
_CODINGS = {"gz": "gzip", "zst": "zstd"}


@dataclass(frozen=True, slots=True)
class Form:
    """A form.

    Attributes:
        file: The content of its file; empty where there is none.
        format: The format of the file.
        coding: How it is compressed, by the end of its name; None where it is not.
        fields: All other parts, by name.
    """

    file: bytes
    format: Format
    coding: str | None
    fields: list[tuple[str, str]]


def boundary_of(content_type: str) -> bytes | None:
    """Return what stands between the parts of a form; None for another content type.

    Args:
        content_type: The header of the request.

    Raises:
        MalformedBodyError: It does not name the boundary.
    """
    if not content_type.lower().startswith(MEDIA_TYPE):
        return None
    found = _BOUNDARY.search(content_type)
    boundary = (found[1] or found[2]) if found else ""
    if not 0 < len(boundary) <= MAX_BOUNDARY:
        raise MalformedBodyError(
            f"`Content-Type: {MEDIA_TYPE}` has to name its boundary, of 1 to {MAX_BOUNDARY} "
            "characters."
        )
    return boundary.encode("latin-1")


def read_form(content: bytes, boundary: bytes, form: Format) -> Form:
    """Take a form apart.

    Args:
        content: The body.
        boundary: What `boundary_of` said.
        form: The format where there is no file.

    Raises:
        MalformedBodyError: It is no form, or not whole.
        UnsupportedMediaError: The file is in no known format by its type and its name.
        InvalidInputError: It has two files or too many parts, or a field is too long.
    """
    file, coding, fields, files = b"", None, list[tuple[str, str]](), 0
    for name, filename, media_type, start, stop in _parts(content, boundary):
        if filename is not None:
            files += 1
            if files > 1:
                raise InvalidInputError("The form has more than one file; send one table.")
            form, coding = _format(filename, media_type)
            file = content[start:stop]
            continue
        if stop - start > MAX_FIELD_BYTES:
            raise InvalidInputError(
                f"Field {quoted(name)} is over {MAX_FIELD_BYTES} bytes; send a table as a file."
            )
        try:
            fields.append((name, content[start:stop].decode()))
        except UnicodeDecodeError:
            raise MalformedBodyError(f"Field {quoted(name)} is not UTF-8.") from None
    return Form(file, form, coding, fields)


def _parts(content: bytes, boundary: bytes) -> list[tuple[str, str | None, str | None, int, int]]:
    """Return name, file name, type, and begin and end of each part.

    Raises:
        MalformedBodyError: It is no form, or not whole.
        InvalidInputError: There are too many parts.
    """
    mark = b"--" + boundary
    if not content.startswith(mark):
        raise MalformedBodyError("The form does not begin with its boundary.")
    found: list[tuple[str, str | None, str | None, int, int]] = []
    place = len(mark)
    while content[place : place + 2] == b"\r\n":
        if len(found) == MAX_PARTS:
            raise InvalidInputError(f"The form has more than {MAX_PARTS} parts.")
        begin = content.find(b"\r\n\r\n", place, place + MAX_HEAD_BYTES)
        stop = content.find(b"\r\n" + mark, begin + 2) if begin >= 0 else -1
        if stop < 0:
            raise MalformedBodyError("The form is cut off, or the head of a part is too long.")
        head = content[place:begin].decode("utf-8", "replace")
        parameters = {one: text or token for one, text, token in _PARAMETER.findall(head)}
        kind = _TYPE.search(head)
        media_type = None if kind is None else kind[1].strip().lower()
        name = parameters.get("name", "")
        found.append((name, parameters.get("filename"), media_type, min(begin + 4, stop), stop))
        place = stop + 2 + len(mark)
    if content[place : place + 2] != b"--":
        raise MalformedBodyError("The form is cut off: its last boundary is missing.")
    return found


def _format(filename: str, media_type: str | None) -> tuple[Format, str | None]:
    """Return format and coding of a file, by the end of its name, or else by its type.

    Raises:
        UnsupportedMediaError: Neither says one.
    """
    name, _, suffix = filename.lower().rpartition(".")
    coding = _CODINGS.get(suffix)
    if coding is not None:
        suffix = name.rpartition(".")[2]
    form = format_of_suffix(suffix) or (find_format(media_type) if media_type else None)
    if form is None:
        raise UnsupportedMediaError(
            f"The file {quoted(filename)} is in no known format; name it .csv, .parquet, .ndjson, "
            ".arrow, .npy or .json, or give its content type."
        )
    return form, coding

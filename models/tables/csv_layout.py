"""Layout of a CSV file, judged by its first lines: separator, header, and what is around them."""

import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from madeira.models.echo import listed, quoted
from madeira.models.errors import TableFileError
from madeira.models.values.number_text import DECIMAL_COMMA, FRACTION

__all__ = ["Layout", "commented", "distinct_names", "layout_of", "named"]

_SEPARATORS: Final = (",", ";", "\t", "|")
_DECIMAL_COMMA: Final = re.compile(DECIMAL_COMMA)
_FRACTION: Final = re.compile(FRACTION)
_EXCEL: Final = re.compile(r"sep=(.)", re.IGNORECASE)
_LINES: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_COMMENT: Final = "#"
_MAX_ABOVE: Final = 50
"""Most lines above the header."""


@dataclass(frozen=True)
class Layout:
    """How a CSV file is laid out.

    Attributes:
        separator: What separates the fields.
        decimal_point: `.` or `,`.
        header: The line of the names, cut into fields.
        names: Names of the columns, each once; None for a last field that is empty in every row.
        body: Number of the characters before the first row.
        line: Number of the lines before the first row.
        notes: What was assumed.
    """

    separator: str
    decimal_point: str
    header: Sequence[str]
    names: tuple[str | None, ...]
    body: int
    line: int
    notes: tuple[str, ...]


def layout_of(path: object, sample: str, separator: str | None) -> Layout:
    """Judge the first lines of a file.

    Args:
        path: Of the file, for errors.
        sample: Its first lines, each whole.
        separator: What separates the fields; None has it found.

    Raises:
        TableFileError: There is no header.
    """
    lines = _LINES.findall(sample)[:-1]
    notes: list[str] = []
    start = 0
    if lines and (excel := _EXCEL.fullmatch(lines[0].strip())):
        separator, start = excel[1], 1
    start, comments = _past_comments(lines, start)
    separator = separator or _sniff_separator("".join(lines[start:]))
    if comments and (uncommented := _commented_header(lines, start, separator)):
        start, comments = start - 1, comments - 1
        lines[start] = uncommented
    if comments:
        notes.append(commented(comments))
    start, titles = _past_titles(lines, start, separator)
    if titles:
        shown = quoted(" ".join(title.strip() for title in titles))
        notes.append(f"{named(len(titles), 'line')} above the header left out: {shown}")
    reader = csv.reader(iter(lines[start:]), delimiter=separator)
    header = next((row for row in _rows(reader) if row), [])
    end = start + reader.line_num
    rows = [row for row in _rows(csv.reader(iter(lines[end:]), delimiter=separator)) if row]
    if any(_FRACTION.fullmatch(name.strip()) for name in header):
        raise TableFileError(
            f"the first line of {path} holds numbers; it has to hold the names of the columns"
        )
    names: list[str | None] = list(header)
    widths = Counter(map(len, rows))
    if rows and len(header) > 0 and widths.most_common(1)[0][0] == len(header) + 1:
        if all(not row[-1].strip() for row in rows if len(row) == len(header) + 1):
            names.append(None)
        else:
            names.insert(0, "")
            notes.append("rows have one field more than the header: the first has no name")
    distinct, renamed = distinct_names([name for name in names if name is not None])
    notes += renamed
    full = [row for row in rows if len(row) == len(names)]
    return Layout(
        separator,
        _sniff_decimal_point(full, separator),
        header,
        (*distinct, *names[len(distinct) :]),
        sum(map(len, _LINES.findall(sample)[:end])),
        end,
        tuple(notes),
    )


def distinct_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return names that are all different, in pandas' way, and notes of those that were changed.

    Args:
        names: As they stand in a file; a column without one is named by its place.
    """
    given = [name.strip() for name in names]
    taken = {name for name in given if name}
    seen: set[str] = set()
    found: list[str] = []
    changed: list[str] = []
    for place, name in enumerate(given):
        wanted = name or f"Unnamed: {place}"
        free = wanted
        number = 0
        while free in seen or (free in taken and free != name):
            number += 1
            free = f"{wanted}.{number}"
        seen.add(free)
        found.append(free)
        if name and free != name:
            changed.append(f"{quoted(name)} to {quoted(free)}")
    if not changed:
        return found, []
    return found, [f"names that occur twice were changed: {listed(changed)}"]


def commented(lines: int) -> str:
    """Return the note of lines that were taken for comments."""
    if lines == 1:
        return "1 line that begins with # was taken for a comment"
    return f"{lines:,} lines that begin with # were taken for comments"


def named(count: int, what: str) -> str:
    """Return a count with its noun: `1 row`, `12 rows`.

    Args:
        count: How many.
        what: The noun, of one.
    """
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _past_comments(lines: Sequence[str], start: int) -> tuple[int, int]:
    """Return the first line that is no comment, and the number of comments before it."""
    comments = 0
    place = start
    while place < len(lines):
        text = lines[place].lstrip()
        if text.startswith(_COMMENT):
            comments += 1
        elif text:
            return place, comments
        place += 1
    return start, 0


def _commented_header(lines: Sequence[str], start: int, separator: str) -> str | None:
    """Return the header that stands behind the sign of a comment, as in `#chrom,pos`."""
    above = lines[start - 1].lstrip()
    name = above[len(_COMMENT) :]
    if not above.startswith(_COMMENT) or not name.strip() or name[0] in " #!":
        return None
    fields = [
        len(next(csv.reader([line], delimiter=separator), [])) for line in (name, lines[start])
    ]
    return name if fields[0] == fields[1] > 1 else None


def _past_titles(lines: list[str], start: int, separator: str) -> tuple[int, list[str]]:
    """Return the line of the header, and the lines of one field that stand above it."""
    filled = [_filled(line, separator) for line in lines[start:]]
    usual = Counter(count for count in filled if count).most_common(1)
    if not usual or usual[0][0] < 3:
        return start, []
    first = next(place for place, count in enumerate(filled) if count > 1)
    above = [line for line in lines[start : start + first] if line.strip()]
    if not above or first > _MAX_ABOVE or filled[first] < usual[0][0] - 1:
        return start, []
    return start + first, above


def _filled(line: str, separator: str) -> int:
    """Return the number of fields of a line, empty ones at its end left out."""
    fields = next(_rows(csv.reader([line], delimiter=separator)), [])
    while fields and not fields[-1].strip():
        fields.pop()
    return len(fields)


def _rows(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield rows of fields; an overlong field ends the look."""
    with contextlib.suppress(csv.Error):
        yield from reader


def _sniff_separator(text: str) -> str:
    """Return the separator that cuts the most rows into equally many fields."""

    def evenness(separator: str) -> tuple[float, int]:
        rows = csv.reader(io.StringIO(text, ""), delimiter=separator)
        widths = Counter(len(row) for row in _rows(rows) if row)
        if not widths:
            return (0.0, 1)
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        return (0.0, 1) if width == 1 else (count / widths.total(), width)

    return max(_SEPARATORS, key=evenness)


def _sniff_decimal_point(rows: Sequence[Sequence[str]], separator: str) -> str:
    """Return a comma where no point but a comma stands between digits."""
    if separator == ",":
        return "."
    fields = [field.strip() for row in rows for field in row]
    commas = any(_DECIMAL_COMMA.fullmatch(field) for field in fields)
    return "," if commas and not any(_FRACTION.fullmatch(field) for field in fields) else "."

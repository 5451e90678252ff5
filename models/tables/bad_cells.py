"""Cells that do not fit their column: one `call us` among two hundred prices.

A column of text in which almost all cells are numbers or dates is a column of numbers or dates. The
few that are none become missing, and are told, each with its row. Codes are let be: odd texts that
are many and repeat, such as the `V57` among `428` and `250.83` of diagnoses, are values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.arrays import Bool
from madeira.models.echo import quoted
from madeira.models.errors import MAX_CELL_ERRORS, CellError, TableError
from madeira.models.tables.csv_types import FITTING, typed
from madeira.models.values.arrow_types import Family, family
from madeira.models.values.notation.notation import find_notation
from madeira.models.values.numbers import decoded

__all__ = ["BadCells", "refuse_bad_cells", "without_bad_cells"]

_MIN_DISTINCT: Final = 11
_MAX_SHARE: Final = 0.05
_MAX_SHARE_OF_WORDS: Final = 0.5
_MAX_WORDS: Final = 3
_MAX_NOTATIONS: Final = 4
_SAMPLE: Final = 1000
_MAX_ROWS: Final = 6
_NUMERIC_KINDS: Final = frozenset({"integer", "continuous", "datetime"})
_ANY: Final = "any"

Kinds = Mapping[str, str]
"""Kinds of columns that the user names; the others are inferred."""


@dataclass(frozen=True)
class BadCells:
    """The cells of a column that are not what the others are.

    Attributes:
        column: Name of the column.
        expected: What the others are.
        rows: Rows of the cells, from 0.
        texts: What they hold, a text each.
        cells: Number of all cells that are not missing.
    """

    column: str
    expected: str
    rows: tuple[int, ...]
    texts: tuple[str, ...]
    cells: int

    def __str__(self) -> str:
        count = len(self.rows)
        rows = ", ".join(map(str, self.rows[:_MAX_ROWS])) + (", ..." if count > _MAX_ROWS else "")
        return (
            f"column {quoted(self.column)}: {count:,} of {self.cells:,} cells "
            f"{'is' if count == 1 else 'are'} no {self.expected}, and missing from here on: "
            f"{', '.join(map(quoted, dict.fromkeys(self.texts[:_MAX_ROWS])))} "
            f"({'row' if count == 1 else 'rows'} {rows})"
        )


def without_bad_cells(
    table: pa.Table, kinds: Kinds | None = None
) -> tuple[pa.Table, list[BadCells], list[str]]:
    """Return a table in which the few cells that do not fit are null, and what was changed.

    Args:
        table: Rows of any source.
        kinds: Kinds of columns that the user names: a column that is to have categories keeps its
            texts, and one that is to have numbers loses all others.

    Returns:
        The table, in which columns that are plain numbers or dates have that type; the cells; and
        notes of columns in which dates are written in several ways.
    """
    bad: list[BadCells] = []
    notes: list[str] = []
    for place, name in enumerate(table.column_names):
        column, kind = table.column(place), (kinds or {}).get(name, _ANY)
        if not _may_be_bad(column, kind):
            continue
        found = _mended(name, column, asked=kind != _ANY)
        if found is None:
            continue
        values, cells, note = found
        table = table.set_column(place, name, values)
        bad += [cells] if cells.rows else []
        notes += [note] if note else []
    return table, bad, notes


def refuse_bad_cells(bad: Sequence[BadCells]) -> None:
    """Raise an error that names the cells that do not fit, if there are any.

    Raises:
        TableError: There are some.
    """
    cells = [
        CellError(row, one.column, f"expected a {one.expected}, got {quoted(text)}")
        for one in bad
        for row, text in zip(one.rows, one.texts, strict=True)
    ]
    if cells:
        raise TableError(cells[:MAX_CELL_ERRORS])


def _may_be_bad(column: pa.ChunkedArray, kind: str) -> bool:
    if family(column.type) is not Family.TEXT or kind not in (_ANY, *_NUMERIC_KINDS):
        return False
    return not isinstance(column.type, pa.DictionaryType) or kind != _ANY


def _mended(
    name: str, column: pa.ChunkedArray, *, asked: bool
) -> tuple[pa.ChunkedArray, BadCells, str] | None:
    """Return a column without the cells that do not fit, if most of them fit something."""
    texts = pc.utf8_trim_whitespace(decoded(column).cast(pa.string()))
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)
    if not _mostly_digits(texts) or find_notation(texts) is not None:
        return None
    for reading in (_plain, _of_notation, _of_several_dates):
        for expected, fitting, values, note in reading(name, texts):
            cells = _odd(name, texts, fitting, expected, asked=asked)
            if cells is not None and (cells.rows or note):
                return pa.chunked_array([values]), cells, note
    return None


def _mostly_digits(texts: pa.Array) -> bool:
    """Whether enough texts have a digit in them; some rows of all parts of the table tell."""
    sample = texts.drop_null()
    if not len(sample):
        return False
    sample = sample.take(np.linspace(0, len(sample) - 1, min(len(sample), _SAMPLE)).astype(int))
    share = pc.mean(pc.match_substring_regex(sample, "[0-9]").cast(pa.int8())).as_py()
    return bool(share > 1 - 1.2 * _MAX_SHARE_OF_WORDS)


_Readings = Iterator[tuple[str, pa.Array, pa.Array, str]]
"""What is expected; which cells fit, (rows,) bool; the values of these; a note."""


def _plain(name: str, texts: pa.Array) -> _Readings:
    """Read the cells that are numbers, dates, times of day or time stamps in the plain form."""
    for expected, fits in FITTING.items():
        fitting = fits(texts)
        if pc.any(fitting).as_py():
            known = pc.if_else(fitting, texts, pa.scalar(None, texts.type))
            values = typed(pa.chunked_array([known]), ".").combine_chunks()
            if not pa.types.is_string(values.type):
                yield expected, fitting, values, ""


def _of_notation(name: str, texts: pa.Array) -> _Readings:
    """Keep the cells that are written as most are, such as `$1,234.50` or `31/12/2020`."""
    shapes = _shapes(texts)
    usual = pc.mode(shapes.dictionary_encode().indices, 1)
    if not len(usual):
        return
    same = pc.equal(shapes.dictionary_encode().indices, usual[0]["mode"])
    known = pc.if_else(same, texts, pa.scalar(None, texts.type))
    if (notation := find_notation(known)) is not None:
        dates = pa.types.is_timestamp(notation.number_type)
        yield "date" if dates else "number", same, known, ""


def _of_several_dates(name: str, texts: pa.Array) -> _Readings:
    """Read dates that are written in several ways in one column."""
    layouts = pc.replace_substring_regex(texts, "[0-9]+", "0")
    layouts = pc.replace_substring_regex(layouts, "[A-Za-z]+", "A")
    instants = pa.nulls(len(texts), pa.timestamp("us"))
    counts = pc.value_counts(layouts.drop_null())
    order = pc.sort_indices(pc.struct_field(counts, "counts"), sort_keys=[("", "descending")])
    written = []
    for layout in counts.take(order[:_MAX_NOTATIONS]).to_pylist():
        same = pc.equal(layouts, layout["values"])
        known = pc.if_else(same, texts, pa.scalar(None, texts.type))
        notation = find_notation(known, [Family.INSTANT])
        if notation is None:
            continue
        read = notation.read(name, known).cast(pa.timestamp("us"), safe=False)
        instants = pc.coalesce(instants, read)
        written.append(f"{layout['counts']:,} as {known.drop_null()[0]}")
    if len(written) < 2:
        return
    note = f"column {quoted(name)}: dates are written in several ways, {', '.join(written)}"
    fitting = pc.if_else(texts.is_valid(), instants.is_valid(), None)
    days = instants.cast(pa.date32(), safe=False)
    whole = pc.all(pc.equal(days.cast(instants.type), instants)).as_py()
    yield "date", fitting, days if whole else instants, note


def _shapes(texts: pa.Array) -> pa.Array:
    """Return texts without digits and what stands between them, letters as A: `$`, `%`, `//`."""
    marks = pc.replace_substring_regex(texts, r"[0-9.,'()\s-]+", "")
    return pc.replace_substring_regex(marks, "[a-z]+", "a")


def _odd(
    name: str, texts: pa.Array, fitting: pa.Array, expected: str, *, asked: bool
) -> BadCells | None:
    """Return the cells that do not fit, if they are few enough to be mistakes."""
    cells = len(texts) - texts.null_count
    bad: Bool = ~fitting.fill_null(True).to_numpy(zero_copy_only=False)
    odd = texts.filter(pa.array(bad))
    distinct = pc.unique(odd)
    share = len(odd) / cells
    hardly_repeat = 2 * len(pc.unique(texts)) > cells
    words = len(distinct) <= _MAX_WORDS
    few = share <= _MAX_SHARE and (words or 2 * len(distinct) > len(odd))
    lost_otherwise = hardly_repeat and words and share <= _MAX_SHARE_OF_WORDS
    numerous = len(pc.unique(texts.filter(fitting))) >= _MIN_DISTINCT
    if not (few or lost_otherwise or (asked and share <= _MAX_SHARE_OF_WORDS)):
        return None
    if not (numerous or asked):
        return None
    rows = tuple(map(int, np.flatnonzero(bad)))
    return BadCells(name, expected, rows, tuple(odd.to_pylist()), cells)

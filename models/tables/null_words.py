"""Words that mean missing in a file without types, decided column by column.

`NA` is the word of R for a missing value, and the code of Namibia; `None` is what Python writes for
nothing, and the damage of a bird that hit a plane and left none. Both are missing unless the file
speaks against it; `kept_words` says when.
"""

from collections.abc import Collection, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.tables.csv_types import NULL_TEXTS, typed
from madeira.models.tables.reading import NullWords

__all__ = ["typed_columns"]

_MAY_BE_VALUES: Final = ("None", "NONE", "NA", "N/A", "n/a")
_MIN_SHARE: Final = 0.5
_MIN_SHARE_BESIDE_EMPTY: Final = 0.02
_TWO_CAPITALS: Final = "^[A-Z]{2}$"
_MIN_CODES: Final = 3


def typed_columns(
    texts: Mapping[str, pa.ChunkedArray], decimal_point: str, words: NullWords | None
) -> tuple[dict[str, pa.ChunkedArray], list[str]]:
    """Return the values of columns of text, and notes of the words that were kept as values.

    Args:
        texts: The columns by name, (rows,) string.
        decimal_point: `.` or `,`.
        words: The words that mean missing, or None.
    """
    if words is not None:
        by_name = words if isinstance(words, Mapping) else dict.fromkeys(texts, words)
        return {
            name: typed(column, decimal_point, ("", *by_name[name]) if name in by_name else None)
            for name, column in texts.items()
        }, []
    columns = {name: typed(column, decimal_point) for name, column in texts.items()}
    missing = _words_beside_values(texts, columns)
    notes = []
    for name, column in columns.items():
        if not pa.types.is_string(column.type):
            continue
        kept = _kept(texts[name], column, missing)
        if kept:
            word, share = kept
            nulls = [text for text in NULL_TEXTS if text != word]
            columns[name] = typed(texts[name], decimal_point, nulls)
            notes.append(
                f"{word} is a value of column {name!r}, {share:.0%} of its cells; "
                f"--na-values says otherwise"
            )
    return columns, notes


def _words_beside_values(
    texts: Mapping[str, pa.ChunkedArray], columns: Mapping[str, pa.ChunkedArray]
) -> set[str]:
    """Return the words that stand for missing numbers or dates somewhere in the file."""
    found: set[str] = set()
    for name, column in columns.items():
        if not (pa.types.is_string(column.type) or pa.types.is_null(column.type)):
            words = pc.unique(pc.utf8_trim_whitespace(texts[name].filter(column.is_null())))
            found.update(words.to_pylist())
    return found


def _kept(
    texts: pa.ChunkedArray, values: pa.ChunkedArray, missing: Collection[str]
) -> tuple[str, float] | None:
    """Return a word that is a value of a column of text, and its share of the cells.

    It is where no column of numbers has it for missing, and it is most of the cells, beside others
    that repeat; or empty cells are there for what is missing; or all others are two capitals too.
    """
    counts = pc.value_counts(pc.utf8_trim_whitespace(texts.filter(values.is_null())))
    by_word = {count["values"]: count["counts"] for count in counts.to_pylist()}
    others = pc.value_counts(values.drop_null())
    repeat = 2 * len(others) <= len(values) - values.null_count
    cells = len(values) - by_word.get("", 0)
    for word in _MAY_BE_VALUES:
        count = by_word.get(word, 0)
        if not count or word in missing or not repeat:
            continue
        share = count / cells
        codes = others.field("values")
        is_code = (
            word == "NA"
            and len(codes) >= _MIN_CODES
            and pc.all(pc.match_substring_regex(codes, _TWO_CAPITALS)).as_py()
        )
        empty = bool(by_word.get("")) and share >= _MIN_SHARE_BESIDE_EMPTY
        if share >= _MIN_SHARE or empty or is_code:
            return word, share
    return None

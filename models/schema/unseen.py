"""Values that training has not seen: the cells that hold them, and likely misspellings.

An unknown category is valid data, and so is a number outside the support of its column. The one is
often a misspelling, the other an error of sign or unit, so the caller is told.
"""

from difflib import get_close_matches

import numpy as np

from madeira.models.arrays import Float64
from madeira.models.columns.categorical import Categorical
from madeira.models.schema.schema import Schema
from madeira.models.values.vocabulary import Value, folded

__all__ = ["likely_category", "unseen_cells"]

_MAX_COMPARED = 100
"""Most categories, and most characters of a text, that are compared letter by letter."""


def unseen_cells(values: Float64, schema: Schema, limit: int) -> list[tuple[int, str]]:
    """Return the cells that hold a category not seen in training, or a number outside, by row.

    Args:
        values: Codes, (rows, D).
        schema: Their columns.
        limit: Most cells.

    Returns:
        Row and name of the column of the first of them.
    """
    codes = schema.unknown_codes
    if codes is None:
        return []
    unseen = values == codes
    if not np.count_nonzero(unseen):
        return []
    rows = np.flatnonzero(unseen.any(axis=1))[:limit]
    places = np.argwhere(unseen[rows])[:limit]
    return [(int(rows[row]), schema.columns[place].name) for row, place in places]


def likely_category(column: Categorical, value: object, *, spelled: bool) -> Value | None:
    """Return the category that a value not seen in training was probably meant to be.

    Args:
        column: Its column.
        value: A text; nothing is known of others.
        spelled: Whether categories that differ in a few letters count; looking for them takes
            up to a millisecond.
    """
    if not isinstance(value, str):
        return None
    known = column.vocabulary.folded
    text = folded(value[:_MAX_COMPARED])
    if text in known:
        return known[text]
    if not spelled or not text or len(known) > _MAX_COMPARED:
        return None
    close = get_close_matches(text, known, n=1, cutoff=0.75)
    return known[close[0]] if close else None

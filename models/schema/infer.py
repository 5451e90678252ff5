"""Inference of column kinds: rules, tried in order, each with its reason.

A rule looks at the profile of one column and either decides or passes. A column that no kind can
use is excluded with a reason that a user can read; a user may override every decision.
`docs/columns.md` gives the rules as a table.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.schema.code_numbers import codes_gain
from madeira.models.schema.profile import Profile
from madeira.models.values.arrow_types import Family, is_integer
from madeira.models.values.grid import Grid
from madeira.models.values.notation.date_notation import DateNotation
from madeira.models.values.numbers import decoded, shown
from madeira.models.values.ticks import MAX_EXACT

__all__ = ["LEFT_OUT", "RULES", "Verdict", "infer"]

LEFT_OUT = "left_out"
"""The kind of a column that is not modelled."""

_MAX_CATEGORIES = 100_000
_MAX_SOFTMAX_CATEGORIES = 200  # of a softmax over all of them
_MAX_WHOLE_CATEGORIES = 10
_MAX_CODES = 50
_MIN_ROWS_A_CODE = 20
_MIN_KEY_ROWS = 20
_KEY_SHARE = 0.9
_RARE_SHARE = 0.5
_WORDS_OF_PROSE = 4.0


@dataclass(frozen=True)
class Verdict:
    """Decision of a rule: a column kind, or `left_out`, and the reason."""

    kind: str
    reason: str


def _categories(profile: Profile, reason: str) -> Verdict:
    """Categories in one softmax where there are few, factorised where there are many."""
    if profile.distinct <= _MAX_SOFTMAX_CATEGORIES:
        return Verdict("categorical", reason)
    return Verdict("factorised", f"{reason}, {profile.distinct} distinct")


def _unsupported(profile: Profile) -> Verdict | None:
    """Exclude lists, structs and bytes: they have no column kind."""
    if profile.family is Family.OTHER:
        return Verdict(LEFT_OUT, f"values of type {profile.array.type} are not modelled")
    return None


def _empty(profile: Profile) -> Verdict | None:
    """Return a column without values has nothing to learn."""
    if profile.array.null_count == len(profile.array):
        return Verdict(LEFT_OUT, "no values: every row is null")
    return None


def _constant(profile: Profile) -> Verdict | None:
    """One value has probability 1 and tells nothing of the other columns."""
    if profile.distinct > 1:
        return None
    return Verdict(LEFT_OUT, "constant, or null" if profile.array.null_count else "constant")


def _boolean(profile: Profile) -> Verdict | None:
    """Booleans are two values by their type."""
    return Verdict("binary", "booleans") if profile.family is Family.BOOLEAN else None


def _key_by_name(profile: Profile) -> Verdict | None:
    """Texts and whole numbers that never repeat under the name of a key identify the row."""
    nameable = profile.family is Family.TEXT or profile.whole
    if profile.named_key and nameable and profile.distinct == len(profile.values):
        return Verdict(LEFT_OUT, "key: named like one, and no value occurs twice")
    return None


def _uuid(profile: Profile) -> Verdict | None:
    """UUIDs are made to be keys."""
    if profile.family is Family.TEXT and profile.distinct == len(profile.values) and profile.uuids:
        return Verdict(LEFT_OUT, "key: UUIDs, none of them twice")
    return None


def _written(profile: Profile) -> Verdict | None:
    """Numbers and dates written as text are numbers and dates; a few of them are categories."""
    if profile.distinct <= _MAX_WHOLE_CATEGORIES or profile.notation is None:
        return None
    numbers = profile.notation.read(profile.name, decoded(profile.array))
    verdict = infer(profile.name, pa.chunked_array([numbers]))
    if verdict.kind in ("binary", "categorical"):
        return None
    what = "text" if profile.family is Family.TEXT else "numbers"
    known = decoded(profile.array)
    reason = f"{verdict.reason}, as {what} such as {shown(known.filter(numbers.is_valid()), 0)}"
    none = known.filter(pc.and_(numbers.is_null(), known.is_valid()))
    if len(none):
        reason += f"; {shown(none, 0)} is no date: missing, {len(none)} times"
    if isinstance(profile.notation, DateNotation) and profile.notation.ambiguous:
        reason += f", read as {profile.notation.pattern}: no value tells day from month"
    return Verdict(verdict.kind, reason)


def _prose_or_key(profile: Profile) -> Verdict | None:
    """Texts that occur less than twice on average say little of further rows."""
    rows = len(profile.values)
    share = profile.distinct / rows
    if profile.family is not Family.TEXT or rows < _MIN_KEY_ROWS or share <= _RARE_SHARE:
        return None
    if pc.mean(pc.count_substring(profile.values, " ")).as_py() + 1 >= _WORDS_OF_PROSE:
        what = "free text"
    else:
        what = "key" if share > _KEY_SHARE else "texts that hardly repeat"
    return Verdict(LEFT_OUT, f"{what}: {profile.distinct} distinct in {rows} rows{profile.hint}")


def _too_many_texts(profile: Profile) -> Verdict | None:
    """More texts than a factorised column holds."""
    if profile.family is Family.TEXT and profile.distinct > _MAX_CATEGORIES:
        return Verdict(
            LEFT_OUT,
            f"{profile.distinct} distinct texts: more than {_MAX_CATEGORIES}{profile.hint}",
        )
    return None


def _text(profile: Profile) -> Verdict | None:
    """Other text is a set of categories, two of them included: a third may come."""
    if profile.family is Family.TEXT:
        return _categories(profile, f"text{profile.hint}")
    return None


def _declared(profile: Profile) -> Verdict | None:
    """Dictionary-encoded values were declared to be categories."""
    if profile.encoded and profile.distinct <= _MAX_CATEGORIES:
        return _categories(profile, "dictionary-encoded")
    return None


def _timed(profile: Profile) -> Verdict | None:
    """Dates, time stamps, times of day and durations by their types."""
    kinds = {
        Family.INSTANT: Verdict("datetime", "instants"),
        Family.TIME: Verdict("time", "times of day"),
        Family.DURATION: Verdict("duration", "durations"),
    }
    return kinds.get(profile.family)


def _identifier(profile: Profile) -> Verdict | None:
    """Numbers of telephones and accounts are names; their size means nothing."""
    mostly_once = profile.distinct > _RARE_SHARE * len(profile.values)
    if profile.named_identifier and profile.whole and mostly_once:
        return Verdict(LEFT_OUT, "key: named like numbers that name somebody")
    return None


def _row_number(profile: Profile) -> Verdict | None:
    """Whole numbers that count up by one, in any order, number the rows."""
    rows = len(profile.array)
    if profile.array.null_count or rows < _MIN_KEY_ROWS or not profile.whole:
        return None
    if profile.named_time or profile.distinct < rows:
        return None
    numbers = profile.numbers
    if (np.diff(numbers) == 1).all():
        return Verdict(LEFT_OUT, "key: counts the rows")
    if numbers.max() - numbers.min() == rows - 1:
        return Verdict(LEFT_OUT, "key: counts the rows, in another order")
    return None


def _zero_one(profile: Profile) -> Verdict | None:
    """Return the numbers 0 and 1 are a flag."""
    if profile.distinct == 2 and set(pc.unique(profile.values).to_pylist()) == {0, 1}:
        return Verdict("binary", "only 0 and 1")
    return None


def _few_numbers(profile: Profile) -> Verdict | None:
    """Few whole numbers that repeat are grades or codes; two numbers of any sort are a choice."""
    repeats = 2 * profile.distinct <= len(profile.values)
    few_whole = profile.whole and profile.distinct <= _MAX_WHOLE_CATEGORIES and repeats
    if few_whole or profile.distinct == 2:
        return Verdict("categorical", f"{profile.distinct} distinct numbers")
    return None


def _code_by_name(profile: Profile) -> Verdict | None:
    """Whole numbers under the name of a code or key that repeat are names of something."""
    repeats = 2 * profile.distinct <= len(profile.values)
    named = profile.named_code or profile.named_key
    if named and profile.whole and repeats and profile.distinct <= _MAX_CATEGORIES:
        return _categories(profile, f"{profile.distinct} codes: named like one")
    return None


def _beyond_floats(profile: Profile) -> Verdict | None:
    """Whole numbers that float64 cannot tell apart are made by machines, to be told apart."""
    if not is_integer(profile.array.type):
        return None
    ends = pc.min_max(profile.values).as_py()
    if max(-ends["min"], ends["max"]) <= MAX_EXACT:
        return None
    if 2 * profile.distinct <= len(profile.values) and profile.distinct <= _MAX_CATEGORIES:
        return _categories(profile, f"{profile.distinct} whole numbers beyond 2**53")
    return Verdict(LEFT_OUT, "key: whole numbers beyond 2**53 are no amounts")


def _code_by_likelihood(profile: Profile) -> Verdict | None:
    """Numbers that count from 0 or 1 are codes where held-out rows say that their size is none."""
    many = len(profile.values) >= _MIN_ROWS_A_CODE * profile.distinct
    if profile.table is None or not many or profile.distinct > _MAX_CODES:
        return None
    if not profile.whole or profile.encoded or profile.named_span:
        return None
    numbers = profile.numbers
    if numbers.min() not in (0, 1) or numbers.max() - numbers.min() > 1.5 * profile.distinct:
        return None
    gain, error = codes_gain(profile.name, profile.table)
    if gain <= error:
        return None
    return _categories(
        profile,
        f"{profile.distinct} numbers that are codes: held-out rows are likelier by {gain:.2g} nats "
        "than if their order mattered",
    )


def _grid(profile: Profile) -> Verdict | None:
    """Numbers of one resolution have probabilities, and come back at that resolution."""
    grid = Grid.find(decoded(profile.array).drop_null())
    if grid is None:
        return None
    return Verdict("integer", f"steps of {grid.resolution:g}")


def _number(profile: Profile) -> Verdict | None:
    """All other numbers lie on a continuum."""
    return Verdict("continuous", "numbers of no common resolution")


RULES: tuple[Callable[[Profile], Verdict | None], ...] = (
    *(_unsupported, _empty, _constant, _boolean, _key_by_name),
    *(_uuid, _written, _prose_or_key, _too_many_texts, _text),
    *(_declared, _timed),
    *(_identifier, _row_number, _zero_one, _few_numbers, _code_by_name, _beyond_floats),
    *(_code_by_likelihood, _grid, _number),
)


def infer(name: str, array: pa.ChunkedArray, table: pa.Table | None = None) -> Verdict:
    """Return the kind of a column by the first rule that decides.

    Args:
        name: Name of the column; it counts.
        array: Its values, (rows,).
        table: The rows that it is a column of: they tell codes from amounts where it is open.

    Raises:
        TableError: The column holds NaN or infinity.
    """
    profile = Profile(name, array, table)
    return next(verdict for rule in RULES if (verdict := rule(profile)) is not None)

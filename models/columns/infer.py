"""Which kind a column is: rules, tried in order, each with its reason.

A rule looks at what is counted of one column and either decides or passes. What no column kind
can use is left out with a reason that a user can read; a user may overrule every decision.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.columns.arrow_types import Family, family, is_integer
from models.columns.lattice import Lattice
from models.columns.vocabulary import canonical

__all__ = ["LEFT_OUT", "RULES", "Profile", "Verdict", "infer"]

LEFT_OUT = "left_out"
"""The kind of a column that is not modelled."""

_MOST_CATEGORIES = 1000
_MOST_WHOLE_CATEGORIES = 10
_FEWEST_KEYS = 20
_KEY_SHARE = 0.9
_RARE_SHARE = 0.5
_WORDS_OF_PROSE = 4.0
_KEY_NAME = re.compile(
    r"(^|[_\W])(id|ids|key|uuid|guid|index|idx|rownames|row_?(id|no|nr|number))$|^unnamed: \d+$"
    r"|^__index_level_\d+__$",
    re.IGNORECASE,
)
_CAMEL_CASE_KEY = re.compile(r".*[a-z](Id|ID|Key)$")


@dataclass(frozen=True)
class Verdict:
    """What a rule decided: a column kind, or `left_out`, and why."""

    kind: str
    reason: str


@dataclass(frozen=True)
class Profile:
    """What the rules look at.

    Attributes:
        name: Name of the column.
        array: Its values.
    """

    name: str
    array: pa.ChunkedArray

    @property
    def family(self) -> Family:
        """What the values are."""
        return family(self.array.type)

    @property
    def encoded(self) -> bool:
        """Whether the column came dictionary-encoded: its author calls it categorical."""
        return isinstance(self.array.type, pa.DictionaryType)

    @cached_property
    def values(self) -> pa.Array:
        """The values that are not null, comparable; raises TableError for NaN and infinity."""
        return canonical(self.name, self.array, self.array.type).drop_null()

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        count: int = pc.count_distinct(self.values).as_py()
        return count

    @cached_property
    def whole(self) -> bool:
        """Whether all values are whole numbers: integers that met a null are often floats."""
        if is_integer(self.array.type):
            return True
        numbers = self.values.to_numpy(zero_copy_only=False)
        return self.family is Family.NUMBER and bool((numbers == np.rint(numbers)).all())


def _unsupported(profile: Profile) -> Verdict | None:
    """Lists, structs, bytes, times of day and durations have no column kind."""
    if profile.family is Family.OTHER:
        return Verdict(LEFT_OUT, f"values of type {profile.array.type} are not modelled")
    return None


def _empty(profile: Profile) -> Verdict | None:
    """A column without values has nothing to learn."""
    if profile.array.null_count == len(profile.array):
        return Verdict(LEFT_OUT, "no values: every row is null")
    return None


def _constant(profile: Profile) -> Verdict | None:
    """One value has probability 1 and tells nothing of the other columns."""
    if profile.distinct == 1:
        return Verdict(LEFT_OUT, "constant")
    return None


def _boolean(profile: Profile) -> Verdict | None:
    """True and false are two values by their type."""
    return Verdict("binary", "booleans") if profile.family is Family.BOOLEAN else None


def _prose_or_key(profile: Profile) -> Verdict | None:
    """Texts that occur less than twice on average say little of further rows."""
    rows = len(profile.values)
    share = profile.distinct / rows
    if profile.family is not Family.TEXT or rows < _FEWEST_KEYS or share <= _RARE_SHARE:
        return None
    if pc.mean(pc.count_substring(profile.values, " ")).as_py() + 1 >= _WORDS_OF_PROSE:
        what = "free text"
    else:
        what = "key" if share > _KEY_SHARE else "texts that hardly repeat"
    return Verdict(LEFT_OUT, f"{what}: {profile.distinct} distinct in {rows} rows")


def _too_many_texts(profile: Profile) -> Verdict | None:
    """A softmax over very many texts would dwarf the rest of the network."""
    if profile.family is Family.TEXT and profile.distinct > _MOST_CATEGORIES:
        return Verdict(LEFT_OUT, f"{profile.distinct} distinct texts: more than {_MOST_CATEGORIES}")
    return None


def _text(profile: Profile) -> Verdict | None:
    """Other text is a set of categories, two of them included: a third may come."""
    return Verdict("categorical", "text") if profile.family is Family.TEXT else None


def _declared(profile: Profile) -> Verdict | None:
    """Dictionary-encoded values were declared to be categories."""
    if profile.encoded and profile.distinct <= _MOST_CATEGORIES:
        return Verdict("categorical", "dictionary-encoded")
    return None


def _instant(profile: Profile) -> Verdict | None:
    """Dates and time stamps are seconds on a line."""
    return Verdict("datetime", "instants") if profile.family is Family.INSTANT else None


def _key_by_name(profile: Profile) -> Verdict | None:
    """Whole numbers that never repeat under the name of a key identify the row."""
    named = _KEY_NAME.search(profile.name) or _CAMEL_CASE_KEY.match(profile.name)
    if named and profile.whole and profile.distinct == len(profile.values):
        return Verdict(LEFT_OUT, "key: named like one, and no value occurs twice")
    return None


def _row_number(profile: Profile) -> Verdict | None:
    """Whole numbers that count up by one number the rows."""
    if profile.array.null_count or len(profile.array) < _FEWEST_KEYS or not profile.whole:
        return None
    steps = np.diff(profile.values.to_numpy(zero_copy_only=False).astype(np.float64))
    return Verdict(LEFT_OUT, "key: counts the rows") if bool((steps == 1).all()) else None


def _zero_one(profile: Profile) -> Verdict | None:
    """The numbers 0 and 1 are a flag."""
    if profile.distinct == 2 and set(pc.unique(profile.values).to_pylist()) == {0, 1}:
        return Verdict("binary", "only 0 and 1")
    return None


def _few_numbers(profile: Profile) -> Verdict | None:
    """Few whole numbers that repeat are grades or codes; two numbers of any sort are a choice."""
    repeats = 2 * profile.distinct <= len(profile.values)
    few_whole = profile.whole and profile.distinct <= _MOST_WHOLE_CATEGORIES and repeats
    if few_whole or profile.distinct == 2:
        return Verdict("categorical", f"{profile.distinct} distinct numbers")
    return None


def _lattice(profile: Profile) -> Verdict | None:
    """Numbers of one resolution have probabilities, and come back at that resolution."""
    numbers = profile.values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    lattice = Lattice.find(numbers, profile.array.type)
    if lattice is None:
        return None
    return Verdict("integer", f"steps of {lattice.resolution:g}")


def _number(profile: Profile) -> Verdict | None:
    """All other numbers lie on a continuum."""
    return Verdict("continuous", "numbers of no common resolution")


RULES: tuple[Callable[[Profile], Verdict | None], ...] = (
    _unsupported,
    _empty,
    _constant,
    _boolean,
    _prose_or_key,
    _too_many_texts,
    _text,
    _declared,
    _instant,
    _key_by_name,
    _row_number,
    _zero_one,
    _few_numbers,
    _lattice,
    _number,
)


def infer(name: str, array: pa.ChunkedArray) -> Verdict:
    """Returns the kind of a column by the first rule that decides.

    Raises:
        TableError: The column holds NaN or infinity.
    """
    profile = Profile(name, array)
    return next(verdict for rule in RULES if (verdict := rule(profile)) is not None)

"""Notations of instants: dates and time stamps that a column holds as text.

ISO 8601, `31/12/2020`, `12/31/20`, `31.12.2020`, `31-Dec-2020`, `December 31, 2020`, each alone or
with a time of day. As with numbers, a column has a notation only if every value is written in it,
and the order of day and month is decided on all values: one 13 in the place of the month says
it. Where none does, `/` means the month first and `.` and `-` the day first, and the notation is
marked as ambiguous.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.values.arrow_types import Family, family
from madeira.models.values.json_record import Record
from madeira.models.values.numbers import decoded, refuse, shown, to_numbers

__all__ = ["DateNotation"]

_ISO_DAY = "%Y-%m-%d"
_COMPACT_DAY, _COMPACT_DIGITS = "%Y%m%d", 8
_DAYS = (
    *(_ISO_DAY, "%Y/%m/%d", "%Y.%m.%d"),
    *("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m.%d.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%m.%d.%y", "%d-%m-%y", "%m-%d-%y"),
    *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y"),
    *("%d/%b/%Y", "%d. %B %Y", _COMPACT_DAY),
)
_TIMES = ("", "%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
_ZONED = "(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_SYNTAX = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "m": "(?:0?[1-9]|1[0-2])",
    "d": "(?P<day>0?[1-9]|[12][0-9]|3[01])",
    "b": "[A-Za-z]{3}",
    "B": "[A-Za-z]{3,9}",
    "H": "(?:[01]?[0-9]|2[0-3])",
    "I": "(?:0?[1-9]|1[0-2])",
    "M": "[0-5][0-9]",
    "S": "[0-5][0-9]",
    "p": "(?i:[ap]m)",
}
_COMPACT_SYNTAX = {
    "Y": "(?:1[89]|2[01])[0-9]{2}",
    "m": "(?:0[1-9]|1[0-2])",
    "d": "(?P<day>0[1-9]|[12][0-9]|3[01])",
}
_NO_DATE = "^(0[0/. :T-]*|9{4}[/.-]?99[/.-]?99)$"
"""What databases write where there is no date: `0000-00-00`, `00000000`, `99999999`."""

_UNITS = {"s": "", "ms": "[.][0-9]{1,3}", "us": "[.][0-9]{1,9}"}
MAX_CHARACTERS = 64
"""More than any instant has that is written in one of the notations known."""

_AT_THE_END = re.compile(f"{_ZONED}$")
_NUMBER, _WORD, _CODE = re.compile("[0-9]+"), re.compile("[A-Za-z]+"), re.compile("%(.)")
_PATTERN = re.compile(r"(?:%[YymdbBHIMSp]|[-/., :T])+Z?")


@dataclass(frozen=True)
class DateNotation:
    """How the instants of a column are written.

    Attributes:
        pattern: In the letters of `strftime`; `Z` at its end where zones are written.
        unit: What fractions of seconds need: `s` for none, `ms`, `us`.
        padded: Whether days and months have two digits always.
        padded_hours: Whether hours have.
        ambiguous: Whether day and month could as well change places.
    """

    pattern: str
    unit: str = "s"
    padded: bool = True
    padded_hours: bool = True
    ambiguous: bool = False

    @property
    def number_type(self) -> pa.DataType:
        """Arrow type that the text is read as."""
        return pa.timestamp(self.unit, tz="UTC" if self._zoned else None)

    @classmethod
    def find(cls, texts: pa.Array) -> Self | None:
        """Return the notation that all texts are written in, if there is one.

        Args:
            texts: Distinct values without null, (values,) large_string.
        """
        trimmed = _texts(texts).drop_null()
        first_text = trimmed[0].as_py() if len(trimmed) else ""
        fits = [candidate for candidate in _of_layout(first_text) if candidate._holds(trimmed)]
        if not fits:
            return None
        first = fits[0]
        swapped = first.pattern.translate(str.maketrans("dm", "md"))
        ambiguous = any(other.pattern == swapped != first.pattern for other in fits[1:])
        for padded, padded_hours in product((True, False), repeat=2):
            notation = cls(first.pattern, first.unit, padded, padded_hours, ambiguous)
            written = notation.write(notation.read("", trimmed))
            if pc.all(pc.equal(pc.utf8_lower(written), pc.utf8_lower(trimmed))).as_py():
                return notation
        return cls(first.pattern, first.unit, ambiguous=ambiguous)

    def read(self, name: str, array: pa.ChunkedArray | pa.Array) -> pa.Array:
        """Read text, or numbers such as 20240131, as time stamps, (rows,); 0000-00-00 is null.

        Args:
            name: Name of the column, for errors.
            array: Texts or numbers, (rows,).

        Raises:
            TableError: Names each cell that is not written in this notation.
        """
        values = decoded(array)
        texts = _texts(values)
        matches = self._matches(texts)
        instants = self._instants(pc.if_else(matches, texts, pa.scalar(None, texts.type)))
        if instants.null_count > texts.null_count:
            refuse(
                name,
                pc.and_(instants.is_null(), texts.is_valid()).to_numpy(zero_copy_only=False),
                lambda row: f"expected a date such as {self._example!r}, got {shown(values, row)}",
            )
        return instants

    def write(self, instants: pa.Array) -> pa.Array:
        """Write time stamps, (rows,), as text, (rows,) large_string."""
        clocks = instants.cast(pa.timestamp(self.unit))
        pattern = self._clock
        hour = re.search("%[HI]", pattern)
        end = hour.start() if hour else len(pattern)
        day_format = pattern[:end]
        if not self.padded:  # the year keeps its zero
            day_format = re.sub("(%[dm])", r"~\1", day_format)
        day = pc.replace_substring_regex(pc.strftime(clocks, format=day_format), "~0?", "")
        time = pc.strftime(clocks, format=pattern[end:])
        if not self.padded_hours:
            time = pc.replace_substring_regex(time, "^0", "")
        return pc.binary_join_element_wise(day, time, "Z" if self._zoned else "", "").cast(
            pa.large_string()
        )

    def to_json(self) -> dict[str, Any]:
        """Return the entry `notation` in `schema.json`."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Read what `to_json` wrote, or a person edited.

        Raises:
            SchemaError: Names the field and what was expected.
        """
        record.only(tuple(vars(cls(""))))
        cls.of(record)
        if record.fields.get("unit") not in _UNITS:
            raise record.wrong("unit", "'s', 'ms' or 'us'")
        for field in ("padded", "padded_hours", "ambiguous"):
            if not isinstance(record.fields.get(field), bool):
                raise record.wrong(field, "true or false")
        return cls(**record.fields)

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read a pattern as a person writes it, in the field `pattern`.

        Raises:
            SchemaError: It is no pattern of a date.
        """
        pattern = record.text("pattern")
        if not _PATTERN.fullmatch(pattern) or not _dated(pattern):
            raise record.wrong(
                "pattern", f"a date in the letters of strftime, such as {_ISO_DAY!r}"
            )
        return cls(pattern)

    @property
    def numeric(self) -> bool:
        """Whether numbers are read as well, such as 20240131."""
        return self.pattern == _COMPACT_DAY

    @property
    def _zoned(self) -> bool:
        return self.pattern.endswith("Z")

    @property
    def _clock(self) -> str:
        return self.pattern.removesuffix("Z")

    @property
    def _example(self) -> str:
        day = pa.array([1_704_020_645], pa.int64()).cast(pa.timestamp("s")).cast(self.number_type)
        example: str = self.write(day)[0].as_py()
        return example

    def _holds(self, texts: pa.Array) -> bool:
        """Whether all texts, (values,), are instants written so."""
        if not pc.all(self._matches(texts.slice(0, 100))).as_py():
            return False
        return bool(pc.all(self._matches(texts)).as_py()) and not self._instants(texts).null_count

    def _matches(self, texts: pa.Array) -> pa.Array:
        """Return which texts have the shape of the pattern, (texts,) bool, null where null."""
        return pc.match_substring_regex(texts, f"^{self._shape}$")

    @property
    def _shape(self) -> str:
        """The pattern as a regular expression, whose group `day` is the day of the month."""
        pattern = self._clock.replace(".", "[.]")
        syntax = _COMPACT_SYNTAX if pattern == _COMPACT_DAY else _SYNTAX
        clock = re.sub("%(.)", lambda code: syntax[code[1]], pattern)
        return clock + _UNITS[self.unit] + (_ZONED if self._zoned else "")

    def _instants(self, texts: pa.Array) -> pa.Array:
        """Return time stamps, (texts,), null where there is no such day."""
        pattern = self._clock
        if self.unit == "s" and not self._zoned:
            return self._dates(texts, texts, pattern)
        zone = rf"(?P<zone>{_ZONED})" if self._zoned else "(?P<zone>)"
        parts = pc.extract_regex(texts, pattern=rf"^(?P<clock>.*?)(?P<part>[.][0-9]+)?{zone}$")
        clock, part, offset = (pc.struct_field(parts, name) for name in ("clock", "part", "zone"))
        start = self._dates(texts, clock, pattern).cast(pa.timestamp("us")).cast(pa.int64())
        micros = pc.utf8_rpad(pc.utf8_slice_codeunits(part, 1, 7), 6, "0").cast(pa.int64())
        passed = pc.subtract(pc.add(start, micros), _microseconds(offset))
        return passed.cast(pa.timestamp("us")).cast(self.number_type, safe=False)

    def _dates(self, texts: pa.Array, clocks: pa.Array, pattern: str) -> pa.Array:
        """Parse clocks, (rows,), null where the text has a day that its month does not have.

        `strptime` makes the first of March of the 30th of February.
        """
        instants = pc.strptime(clocks, format=pattern, unit="s", error_is_null=True)
        days = pc.struct_field(pc.extract_regex(texts, pattern=f"^{self._shape}$"), "day")
        same = pc.equal(pc.day(instants), days.cast(pa.int64()))
        return pc.if_else(same, instants, pa.scalar(None, instants.type))


def _texts(array: pa.Array) -> pa.Array:
    """Return instants as text without blanks, (rows,) large_string, null where there is no date.

    Args:
        array: Texts, or numbers such as 20240131.
    """
    if family(array.type) is Family.NUMBER:
        numbers = to_numbers("", array, array.type)
        days = np.where((numbers == np.rint(numbers)) & (np.abs(numbers) < 1e9), numbers, -1)
        whole = pa.array(days.astype(np.int64), mask=np.isnan(numbers))
        array = pc.utf8_lpad(whole.cast(pa.string()), _COMPACT_DIGITS, "0")
    texts = pc.utf8_trim_whitespace(array.cast(pa.large_string()))
    none = pc.match_substring_regex(texts, _NO_DATE)
    return pc.if_else(none, pa.scalar(None, texts.type), texts)


def _microseconds(zones: pa.Array) -> pa.Array:
    """Return how far zones, (rows,) such as `+05:30`, `Z` or "", are ahead of UTC, int64."""
    digits = pc.utf8_rpad(pc.replace_substring_regex(zones, "[^0-9]", ""), 4, "0").cast(pa.int64())
    hours = pc.divide(digits, 100)
    minutes = pc.add(pc.multiply(hours, 60), pc.subtract(digits, pc.multiply(hours, 100)))
    ahead = pc.multiply(minutes, 60_000_000)
    return pc.if_else(pc.starts_with(zones, "-"), pc.negate(ahead), ahead)


def _dated(pattern: str) -> bool:
    """Whether a pattern has year, month and day."""
    codes = re.findall("%(.)", pattern)
    wanted = ({"Y", "y"}, {"m", "b", "B"}, {"d"})
    return all(len(group.intersection(codes)) == 1 for group in wanted)


def _of_layout(text: str) -> list[DateNotation]:
    """Return the known notations that a text may be written in, in the order of their trial.

    Almost every column of text is of no such layout, and to try a notation costs some 0.3 ms.
    """
    if len(text) > MAX_CHARACTERS:
        return []
    clock = _AT_THE_END.sub("", text)
    zoned = _layouts().get((_layout(clock), True), []) if clock != text else []
    return [*_layouts().get((_layout(text), False), []), *zoned]


def _layout(text: str) -> str:
    """Return a text with a 0 in the place of each number and an A in that of each word."""
    return _WORD.sub("A", _NUMBER.sub("0", text))


@cache
def _layouts() -> Mapping[tuple[str, bool], Sequence[DateNotation]]:
    """Return the notations known, by layout without the zone, and by whether there is a zone."""
    found = defaultdict(list)
    for notation in _candidates(DateNotation):
        clock = _CODE.sub(lambda code: "A" if code[1] in "bBp" else "0", notation._clock)
        fraction = "" if notation.unit == "s" else ".0"
        found[_layout(clock) + fraction, notation._zoned].append(notation)
    return found


def _candidates(notation: type[DateNotation]) -> list[DateNotation]:
    """All notations known, in the order in which they are tried."""
    iso = [
        notation(f"{_ISO_DAY}{between}{time}{zone}", unit)
        for between in ("T", " ")
        for time in ("%H:%M", "%H:%M:%S")
        for unit in (_UNITS if time.endswith("S") else ["s"])
        for zone in ("", "Z")
    ]
    others = [
        notation(f"{day}{between}{time}")
        for day in _DAYS
        for time in _TIMES
        for between in ([" ", ", "] if time else [""])
        if not (day == _ISO_DAY and time and time[1] == "H")
    ]
    return [*iso, *others]

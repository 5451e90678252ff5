"""Statistics of one column for the rules that infer its kind, each computed on first use."""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.arrays import Float64
from madeira.models.values.arrow_types import Family, family, is_integer, value_type
from madeira.models.values.notation.notation import Notation, find_notation
from madeira.models.values.number_text import NUMBER_LIKE
from madeira.models.values.numbers import decoded
from madeira.models.values.vocabulary import canonical

__all__ = ["Profile"]

_KEY_NAME = re.compile(
    r"(^|[_\W])(id|ids|key|uuid|guid|index|idx|rownames|row_?(id|no|nr|number))$|^unnamed: \d+$"
    r"|^__index_level_\d+__$",
    re.IGNORECASE,
)
_CAMEL_CASE_KEY = re.compile(r".*[a-z](Id|ID|Key)$")
_CODE_NAME = re.compile(
    r"(^|[_\W])((zip|post|postal|area|country|state|region|product|item|fips|naics|sic|icd)[_ ]?"
    r"codes?|zip|codes?|plz|postcode|fips|naics|sic)$",
    re.IGNORECASE,
)
_IDENTIFIER_NAME = re.compile(
    r"(^|[_\W])((tele)?phone|mobile|fax|ssn|iban|isbn|ean|upc|imei|vin|passport|"
    r"(account|card|phone|mobile|tax|social_security|serial|customer|order|invoice)"
    r"[_ ]?(no|nr|num|number))$",
    re.IGNORECASE,
)
_TIME_NAME = re.compile(r"(^|[_\W])(year|yr|month|week|day|hour|age)s?$", re.IGNORECASE)
_SPAN_NAME = re.compile(
    r"(^|[_\W])(year|month|week|day|hour|minute|second)s?([_\W]|$)", re.IGNORECASE
)
_UUID = r"^\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?$"


@dataclass(frozen=True)
class Profile:
    """Statistics of one column.

    Attributes:
        name: Name of the column.
        array: Its values.
        table: The rows that it is a column of, where they are at hand.
    """

    name: str
    array: pa.ChunkedArray
    table: pa.Table | None = None

    @property
    def family(self) -> Family:
        """Family of the values."""
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
    def numbers(self) -> Float64:
        """The values that are not null as float64, in a column of numbers."""
        numbers: Float64 = self.values.cast(pa.float64(), safe=False).to_numpy()
        return numbers

    @cached_property
    def distinct(self) -> int:
        """How many different values there are; floats would not tell all decimals apart."""
        decimal = pa.types.is_decimal(value_type(self.array.type))
        values = decoded(self.array).drop_null() if decimal else self.values
        count: int = pc.count_distinct(values).as_py()
        return count

    @cached_property
    def whole(self) -> bool:
        """Whether all values are whole numbers: integers that met a null are often floats."""
        if is_integer(self.array.type):
            return True
        return self.family is Family.NUMBER and bool((self.numbers == np.rint(self.numbers)).all())

    @cached_property
    def notation(self) -> Notation | None:
        """How texts write numbers or instants, if all of them do."""
        return find_notation(self.values)

    @property
    def uuids(self) -> bool:
        """Whether all texts are UUIDs."""
        return bool(pc.all(pc.match_substring_regex(self.values, _UUID)).as_py())

    @property
    def named_key(self) -> bool:
        """Whether the name is that of a key."""
        return bool(_KEY_NAME.search(self.name) or _CAMEL_CASE_KEY.match(self.name))

    @property
    def named_code(self) -> bool:
        """Whether the name is that of a code, such as a postcode."""
        return bool(_CODE_NAME.search(self.name))

    @property
    def named_identifier(self) -> bool:
        """Whether the name is that of identifying numbers, such as telephone numbers."""
        return bool(_IDENTIFIER_NAME.search(self.name))

    @property
    def named_time(self) -> bool:
        """Whether the name is that of a time that is counted, such as a year."""
        return bool(_TIME_NAME.search(self.name))

    @property
    def named_span(self) -> bool:
        """Whether the name speaks of a span of time, such as months since something."""
        return self.named_time or bool(_SPAN_NAME.search(self.name))

    @property
    def hint(self) -> str:
        """Hint at a likely fault in texts: one that is no number, variants of one text."""
        distinct = pc.unique(self.values)
        numeric = pc.match_substring_regex(distinct, f"^{NUMBER_LIKE}$")
        others = len(distinct) - pc.sum(numeric).as_py()
        if 0 < others <= len(distinct) // 2:
            odd = distinct.filter(pc.invert(numeric))[0].as_py()
            return f"; numbers but for {others} distinct, such as {odd[:40]!r}"
        folded = pc.utf8_lower(pc.utf8_trim_whitespace(distinct))
        counts = pc.value_counts(folded)
        again = counts.filter(pc.greater(pc.struct_field(counts, "counts"), 1))
        if not len(again):
            return ""
        alike = distinct.filter(pc.equal(folded, again[0]["values"])).to_pylist()
        return f"; {alike[0][:40]!r} and {alike[1][:40]!r} differ only in case or blanks"

r"""Notations: numbers that a column holds as text, such as `12.5%`, `$1,234.50` or `1.234,50 €`.

A notation is decided on all values of a column at once, because one value alone is ambiguous:
`1,234` is a thousand and something beside `1,234.50`, and little more than one beside `12,5`.
A column has a notation only if *every* value is written in it. Values are then learned as
numbers, in the unit written (`12.5%` is 12.5), and come back as text in the same notation.

Codes are no numbers: digits with leading zeros (`01234`), and digits alone that are all of one
width (`90210`), as postcodes are.
"""

import re
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.values.json_record import Record
from madeira.models.values.numbers import decoded, refuse, shown

__all__ = ["NumberNotation"]

_SAMPLE = 100
_MAX_DECIMALS = 12
_SYMBOLS = "$€£¥₹₽₩₺₴₪฿"
_CODES = (
    "AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HKD|HUF|ILS|INR|JPY|KRW|MXN|NOK|NZD|PLN|RUB|SEK|SGD|THB|"
    "TRY|UAH|USD|ZAR"
)
_CURRENCY = rf"(?:[A-Z]{{0,3}}[{_SYMBOLS}]|{_CODES}|kr|zł|Kč|Ft|Fr\.|Rs\.?)"
_PREFIX = rf"(?:{_CURRENCY}[ \x{{a0}}]?)?"
_UNIT = r"[a-zA-Zµ°²³/]{0,11}"  # `12A` is a seat, `12 A` are amperes
_SUFFIX = (
    rf"(?:[ \x{{a0}}\x{{202f}}]?(?:[%‰]|{_CURRENCY}|[a-zµ°]{_UNIT})|"
    rf"[ \x{{a0}}\x{{202f}}][A-Z]{_UNIT})?"
)
_BODY = r"\d[\d.,'\x{2019} \x{a0}\x{202f}]*\d|\d"
_PARTS = rf"^\(?[-−]?(?P<prefix>{_PREFIX})[-−]?(?P<body>{_BODY})(?P<suffix>{_SUFFIX})\)?$"
_GROUPS = (",", ".", " ", "'", "\u2019", "\u00a0", "\u202f")
# Point and what parts thousands, the likelier first.
_MARKS = (
    *((".", ""), (".", ","), (",", ""), (",", ".")),
    *((point, group) for group in _GROUPS[2:] for point in (".", ",")),
)
# Behind an amount stands the currency of countries whose point parts thousands.
_CONTINENTAL = ((",", "."), *(marks for marks in _MARKS if marks != (",", ".")))


@dataclass(frozen=True)
class NumberNotation:
    """How the numbers of a column are written.

    Attributes:
        prefix: What stands before the digits, such as `$`.
        suffix: What stands behind them, such as `%` or ` €`.
        point: What parts whole and fraction.
        group: What parts thousands; "" for nothing.
        decimals: Most digits of a fraction.
        fixed: Whether all values have that many digits; otherwise zeros at the end are left out.
        parentheses: Whether `(5)` is -5.
    """

    prefix: str = ""
    suffix: str = ""
    point: str = "."
    group: str = ""
    decimals: int = 0
    fixed: bool = True
    parentheses: bool = False

    @property
    def number_type(self) -> pa.DataType:
        """Arrow type that the text is read as."""
        return pa.float64()

    @classmethod
    def find(cls, texts: pa.Array) -> Self | None:
        """Return the notation that all texts are written in, if there is one.

        Args:
            texts: Distinct values without null, (values,) large_string.
        """
        trimmed = pc.utf8_trim_whitespace(texts)
        parts = pc.extract_regex(trimmed.slice(0, _SAMPLE), pattern=_PARTS)
        if not len(trimmed) or parts.null_count:
            return None
        affixes = {(part["prefix"], part["suffix"]) for part in parts.to_pylist()}
        if len(affixes) > 1:
            return None
        prefix, suffix = affixes.pop()
        continental = bool(re.search(_CURRENCY, suffix))
        for point, group in _CONTINENTAL if continental else _MARKS:
            candidate = cls(prefix, suffix, point, group)
            if bool(pc.all(candidate._matches(trimmed, strict=True)).as_py()):
                return candidate._settled(trimmed)
        return None

    def read(self, name: str, array: pa.ChunkedArray | pa.Array) -> pa.Array:
        """Read text as numbers, (rows,) float64; digits need not be grouped.

        Args:
            name: Name of the column, for errors.
            array: Texts, (rows,).

        Raises:
            TableError: Names each cell that is not written in this notation.
        """
        texts = pc.utf8_trim_whitespace(decoded(array).cast(pa.large_string()))
        matches = self._matches(texts, strict=False)
        if not pc.all(matches, min_count=0).as_py():
            example = self.write(pa.array([1234.5]))[0].as_py()
            refuse(
                name,
                ~matches.fill_null(True).to_numpy(zero_copy_only=False),
                lambda row: f"expected a number such as {example!r}, got {shown(texts, row)}",
            )
        negative = pc.match_substring_regex(texts, r"[-−(]")
        for affix in (self.prefix.strip(), self.suffix.strip()):
            texts = pc.replace_substring(texts, affix, "") if affix else texts
        if self.group:
            texts = pc.replace_substring(texts, self.group, "")
        texts = pc.replace_substring_regex(texts, r"[^\d.,]", "")
        numbers = pc.cast(pc.replace_substring(texts, self.point, "."), pa.float64())
        return pc.if_else(negative, pc.negate(numbers), numbers)

    def write(self, numbers: pa.Array) -> pa.Array:
        """Write numbers, (rows,) float64, as text, (rows,) large_string."""
        known = numbers.fill_null(0.0).to_numpy(zero_copy_only=False)
        rounded = np.round(known, self.decimals) + 0.0
        digits = pa.array(np.char.mod(f"%.{self.decimals}f", np.abs(rounded)), pa.large_string())
        if self.decimals and not self.fixed:
            digits = pc.replace_substring_regex(digits, r"\.?0+$", "")
        parts = pc.extract_regex(digits, pattern=r"^(?P<whole>\d+)\.?(?P<fraction>\d*)$")
        whole, fraction = pc.struct_field(parts, "whole"), pc.struct_field(parts, "fraction")
        if self.group:
            whole = _grouped(whole, self.group)
        point = pc.if_else(pc.equal(fraction, ""), "", self.point).cast(pa.large_string())
        text = _joined(self.prefix, whole, point, fraction, self.suffix)
        minus = _joined("(", text, ")") if self.parentheses else _joined("-", text)
        text = pc.if_else(pa.array(rounded < 0), minus, text)
        return pc.if_else(numbers.is_valid(), text, pa.scalar(None, pa.large_string()))

    def to_json(self) -> dict[str, Any]:
        """Return the entry `notation` in `schema.json`."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Read what `to_json` wrote, or a person edited.

        Raises:
            SchemaError: Names the field and what was expected.
        """
        record.only(tuple(vars(cls())))
        for field in ("prefix", "suffix", "point", "group"):
            if not isinstance(record.fields.get(field), str):
                raise record.wrong(field, "text")
        for field in ("fixed", "parentheses"):
            if not isinstance(record.fields.get(field), bool):
                raise record.wrong(field, "true or false")
        if record.fields["point"] not in (".", ","):
            raise record.wrong("point", "'.' or ','")
        if record.fields["group"] not in ("", *_GROUPS):
            raise record.wrong("group", "what parts thousands, such as ','")
        if record.whole("decimals", above=-1) > _MAX_DECIMALS:
            raise record.wrong("decimals", f"at most {_MAX_DECIMALS}")
        return cls(**{**record.fields, "decimals": record.whole("decimals", above=-1)})

    def _matches(self, texts: pa.Array, *, strict: bool) -> pa.Array:
        """Return which texts are written so, (texts,) bool, null where null."""
        group, point = re.escape(self.group), re.escape(self.point)
        plain_digits = r"(?:0|[1-9]\d*)" if strict else r"\d+"
        grouped = rf"[1-9]\d{{0,2}}(?:{group}\d{{3}})+" if group else plain_digits
        whole = (
            rf"(?:{grouped}|(?:0|[1-9]\d{{0,2}}))"
            if strict and group
            else (rf"(?:{grouped}|{plain_digits})")
        )
        body = rf"{whole}(?:{point}\d{{1,{_MAX_DECIMALS}}})?"
        prefix, suffix = re.escape(self.prefix.strip()), re.escape(self.suffix.strip())
        blank = r"[ \x{a0}\x{202f}]?"
        amount = rf"{prefix}{blank}[-−]?{body}{blank}{suffix}"
        return pc.match_substring_regex(texts, rf"^(?:[-−]?{amount}|\({amount}\))$")

    def _settled(self, texts: pa.Array) -> Self | None:
        """Return this notation with the number of decimals; None for what are codes."""
        bare = not (self.prefix or self.suffix or self.group)
        widths = pc.utf8_length(texts)
        if bare and pc.all(pc.match_substring_regex(texts, r"^\d+$")).as_py():
            width = pc.min_max(widths).as_py()
            if width["min"] == width["max"] and width["max"] > 1:
                return None
        fractions = pc.struct_field(
            pc.extract_regex(texts, pattern=rf"\d(?:{re.escape(self.point)}(?P<f>\d+))?\D*$"), "f"
        )
        lengths = pc.min_max(pc.utf8_length(fractions)).as_py()
        return type(self)(
            *(self.prefix, self.suffix, self.point, self.group),
            decimals=lengths["max"],
            fixed=lengths["min"] == lengths["max"],
            parentheses=bool(pc.any(pc.match_substring(texts, "(")).as_py()),
        )


def _grouped(whole: pa.Array, group: str) -> pa.Array:
    """Part thousands: RE2 cannot look ahead, so one group a turn, from the right."""
    pattern = rf"^(\d+)(\d{{3}}(?:{re.escape(group)}\d{{3}})*)$"
    while pc.any(pc.match_substring_regex(whole, pattern)).as_py():
        whole = pc.replace_substring_regex(whole, pattern, rf"\1{group}\2")
    return whole


def _joined(*parts: pa.Array | str) -> pa.Array:
    large = [
        pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts
    ]
    return pc.binary_join_element_wise(*large, pa.scalar("", pa.large_string()))

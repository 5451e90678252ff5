"""Reading `schema.json`: typed fields whose errors say where in the file they stand."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pyarrow as pa

from madeira.models.echo import quoted
from madeira.models.errors import SchemaError
from madeira.models.values.arrow_types import parse_type

__all__ = ["Record"]

_EXACT = re.compile(r"-?[0-9]{1,60}(/[1-9][0-9]{0,60})?")


@dataclass(frozen=True)
class Record:
    """One object of the file.

    Attributes:
        where: Place in the file, such as `columns[3] 'age'`.
        fields: The object as read.
        path: Keys and places that lead there, such as `("columns", 3)`.
    """

    where: str
    fields: Mapping[str, Any]
    path: tuple[str | int, ...] = ()

    @classmethod
    def of(cls, where: str, entry: object, path: tuple[str | int, ...] = ()) -> "Record":
        """Check that an entry is an object.

        Args:
            where: Place in the file.
            entry: The value there.
            path: Keys and places that lead there.

        Raises:
            SchemaError: It is none.
        """
        if not isinstance(entry, Mapping):
            raise SchemaError(f"{where}: expected an object, got {quoted(entry)}", path)
        return cls(where, entry, path)

    def inner(self, field: str) -> "Record":
        """Return the object that a field holds."""
        return Record.of(f"{self.where}, {field}", self.fields.get(field), (*self.path, field))

    def wrong(self, field: str, expected: str) -> SchemaError:
        """Return the error for a field that is absent or of another kind than expected.

        Args:
            field: Name of the field.
            expected: What it should be, in words.
        """
        if field not in self.fields:
            return SchemaError(
                f"{self.where}: {field!r} is missing; expected {expected}", self.path
            )
        return SchemaError(
            f"{self.where}: {field!r} must be {expected}, got {quoted(self.fields[field])}",
            (*self.path, field),
        )

    def only(self, known: Collection[str]) -> None:
        """Check that there is no field besides the known ones.

        Raises:
            SchemaError: Names the first unknown field.
        """
        for field in self.fields:
            if field not in known:
                raise SchemaError(
                    f"{self.where}: unknown field {quoted(field)}; expected {', '.join(known)}",
                    (*self.path, field),
                )

    def text(self, field: str) -> str:
        """Return a string; the name of a column may be empty, nothing else may."""
        value = self.fields.get(field)
        if not isinstance(value, str) or not (value or field == "name"):
            raise self.wrong(field, "text")
        return value

    def number(self, field: str, *, above: float = -math.inf, below: float = math.inf) -> float:
        """Return a finite number strictly between two limits.

        Args:
            field: Name of the field.
            above: Lower limit, excluded.
            below: Upper limit, excluded.
        """
        value = self.fields.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(field, "a number")
        if not (math.isfinite(value) and above < value < below):
            limits = [f"above {above:g}"] if above > -math.inf else []
            limits += [f"below {below:g}"] if below < math.inf else []
            raise self.wrong(field, f"a finite number {' and '.join(limits)}".rstrip())
        return float(value)

    def exact(self, field: str, *, above: float = -math.inf) -> float | str:
        """Return a number, or a text that writes one of more digits than floats have.

        Args:
            field: Name of the field.
            above: Lower limit, excluded.
        """
        value = self.fields.get(field)
        if not isinstance(value, str):
            self.number(field, above=above)
            exact: float = self.fields[field]
            return exact
        if not _EXACT.fullmatch(value) or not Fraction(value) > above:
            raise self.wrong(field, "a number")
        return value

    def whole(self, field: str, *, above: int) -> int:
        """Return a whole number above a limit.

        Args:
            field: Name of the field.
            above: Lower limit, excluded.
        """
        value = self.number(field, above=above)
        if value != int(value):
            raise self.wrong(field, "a whole number")
        return int(value)

    def flag(self, field: str) -> bool:
        """Return true or false; false where the field is absent."""
        value = self.fields.get(field, False)
        if not isinstance(value, bool):
            raise self.wrong(field, "true or false")
        return value

    def items(self, field: str) -> list[Any]:
        """Return a list."""
        value = self.fields.get(field)
        if not isinstance(value, list):
            raise self.wrong(field, "a list")
        return value

    def arrow_type(self) -> pa.DataType:
        """Return the field `arrow_type`."""
        name = self.text("arrow_type")
        try:
            return parse_type(name)
        except (ValueError, pa.ArrowInvalid):
            raise self.wrong("arrow_type", "the name of an Arrow type, such as 'int64'") from None

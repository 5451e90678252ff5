"""The output of `madeira schema`: the kind of each column, the reason, and example values.

The text is YAML with one entry a column, `name: kind`; the rest is comments. `--schema` reads it
again; entries that were not edited have no effect.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.columns.kinds import KINDS
from madeira.models.schema.infer import LEFT_OUT, Verdict
from madeira.models.schema.overrides import Overrides
from madeira.models.values.arrow_types import Family, family, type_name, value_type

__all__ = ["write_schema_yaml"]

_WIDTH = 100
_MAX_LISTED = 12
_EXAMPLES = 4
_MAX_VALUE = 30
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.()/ +-]*(?<! )")
_WORDS = {"null", "true", "false"}


def write_schema_yaml(
    source: str,
    table: pa.Table,
    verdicts: Mapping[str, Verdict],
    overrides: Overrides,
    notes: Sequence[str] = (),
) -> str:
    """Return the text of a schema file.

    Args:
        source: Name of the table's file.
        table: The table.
        verdicts: Kind and reason by name of the column, in the order of the table.
        overrides: Overrides of the user, which are written unchanged.
        notes: What was assumed when the table was read.
    """
    lines = [
        f"# {_printable(source)}: {table.num_rows:,} rows, {table.num_columns:,} columns",
        "#",
        "# The word after a column is its kind. Edit it to override what was inferred, then",
        "# run `madeira train DATA --name NAME --schema FILE` with this file.",
        f"# Kinds: {', '.join([*KINDS, LEFT_OUT])}.",
        "# Columns that are deleted from this file are inferred again.",
    ]
    for note in notes:
        lines += _noted(note)
    for name, verdict in verdicts.items():
        wanted = overrides.get(name, verdict.kind)
        kind = wanted if isinstance(wanted, str) else json.dumps(wanted)
        lines += ["", f"{_name(name)}: {kind}  # {_printable(verdict.reason)}"]
        lines += _comment(", ".join(_facts(table.column(name))))
    return "\n".join(lines) + "\n"


def _facts(array: pa.ChunkedArray) -> Iterator[str]:
    """Yield type, number of nulls and distinct values, range and examples of a column."""
    encoded = isinstance(array.type, pa.DictionaryType)
    yield type_name(value_type(array.type)) + (" (dictionary-encoded)" if encoded else "")
    values = array.cast(_counted(value_type(array.type)))
    which = family(values.type)
    nulls = array.null_count
    if nulls:
        yield f"{_share(nulls, len(array))} null"
    if which in (Family.OTHER, Family.EMPTY) or nulls == len(array):
        return
    distinct = pc.unique(values.drop_null())
    yield f"{len(distinct):,} distinct"
    if which in (Family.NUMBER, Family.INSTANT) and len(distinct) > 1:
        ends = pc.min_max(values).as_py()
        yield f"{_formatted(ends['min'])} to {_formatted(ends['max'])}"
    if len(distinct) <= _MAX_LISTED:
        yield ": ".join(("all", " | ".join(map(_formatted, distinct.sort().to_pylist()))))
    else:
        examples = map(_formatted, distinct.slice(0, _EXAMPLES).to_pylist())
        yield ": ".join(("such as", " | ".join(examples)))


def _counted(arrow_type: pa.DataType) -> pa.DataType:
    """Return a type for which Arrow has `min_max` and `unique`, with the same values."""
    if pa.types.is_float16(arrow_type):
        return pa.float32()
    return pa.string() if pa.types.is_string_view(arrow_type) else arrow_type


def _share(part: int, whole: int) -> str:
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= 1 else f"{share:.2g} %"


def _formatted(value: Any) -> str:  # noqa: ANN401 - a value of any column
    if isinstance(value, float):
        return f"{value:.12g}"
    text = repr(value) if isinstance(value, str) else _printable(str(value))
    return text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 3] + "..."


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="#   ", subsequent_indent="#   ")


def _noted(note: str) -> list[str]:
    text = f"Note: {_printable(note)}"
    return ["#", *textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="#   ")]


def _name(name: str) -> str:
    """Quote a name as JSON, unless YAML reads it as text without quotes."""
    if _PLAIN_NAME.fullmatch(name) and name.isascii() and name not in _WORDS:
        return name
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _printable(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)

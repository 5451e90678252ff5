"""What `madeira schema` writes: each column's kind with the reason, and what its values look like.

The words that matter are one a column, `name: kind`; all else is comment. `--schema` takes the
text back, and what was not changed is understood as before.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.columns.arrow_types import Family, family, type_name, value_type
from madeira.models.columns.infer import LEFT_OUT, Verdict
from madeira.models.columns.kinds import KINDS
from madeira.models.columns.overrides import Overrides

__all__ = ["schema_text"]

_WIDTH = 100
_SHOWN = 12
_EXAMPLES = 4
_LONGEST = 30
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.()/ +-]*(?<! )")
_WORDS = {"null", "true", "false"}


def schema_text(
    source: str, table: pa.Table, verdicts: Mapping[str, Verdict], said: Overrides
) -> str:
    """The file that `--schema` reads.

    Args:
        source: How the table's file is called.
        table: The table.
        verdicts: Kind and reason by name of column, in the order of the table.
        said: What the user said of columns; it is kept word by word.
    """
    lines = [
        f"# {_printable(source)}: {table.num_rows:,} rows, {table.num_columns:,} columns",
        "#",
        "# The word behind a column is its kind: change it to overrule what was inferred, then",
        "# give this file to `madeira train DATA --name NAME --schema FILE`.",
        f"# Kinds: {', '.join([*KINDS, LEFT_OUT])}.",
        "# Columns that are deleted from this file are inferred again.",
    ]
    for name, verdict in verdicts.items():
        wanted = said.get(name, verdict.kind)
        kind = wanted if isinstance(wanted, str) else json.dumps(wanted)
        lines += ["", f"{_name(name)}: {kind}  # {_printable(verdict.reason)}"]
        lines += _comment(", ".join(_facts(table.column(name))))
    return "\n".join(lines) + "\n"


def _facts(array: pa.ChunkedArray) -> Iterator[str]:
    """Type, distinct values, nulls, range and examples of a column."""
    encoded = isinstance(array.type, pa.DictionaryType)
    yield type_name(value_type(array.type)) + (" (dictionary-encoded)" if encoded else "")
    plain = array.cast(_counted(value_type(array.type)))
    which = family(plain.type)
    nulls = array.null_count
    if nulls:
        yield f"{_share(nulls, len(array))} null"
    if which in (Family.OTHER, Family.EMPTY) or nulls == len(array):
        return
    distinct = pc.unique(plain.drop_null())
    yield f"{len(distinct):,} distinct"
    if which in (Family.NUMBER, Family.INSTANT) and len(distinct) > 1:
        ends = pc.min_max(plain).as_py()
        yield f"{_shown(ends['min'])} to {_shown(ends['max'])}"
    if len(distinct) <= _SHOWN:
        yield ": ".join(("all", " | ".join(map(_shown, distinct.sort().to_pylist()))))
    else:
        examples = map(_shown, distinct.slice(0, _EXAMPLES).to_pylist())
        yield ": ".join(("such as", " | ".join(examples)))


def _counted(arrow_type: pa.DataType) -> pa.DataType:
    """A type of the same values whose extremes and distinct values Arrow finds."""
    if pa.types.is_float16(arrow_type):
        return pa.float32()
    return pa.string() if pa.types.is_string_view(arrow_type) else arrow_type


def _share(part: int, whole: int) -> str:
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= 1 else f"{share:.2g} %"


def _shown(value: Any) -> str:  # noqa: ANN401 - a value of any column
    if isinstance(value, float):
        return f"{value:.12g}"
    text = repr(value) if isinstance(value, str) else _printable(str(value))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="#   ", subsequent_indent="#   ")


def _name(name: str) -> str:
    """A name as YAML and JSON both read it: in quotes, unless nothing in it could be misread."""
    if _PLAIN_NAME.fullmatch(name) and name.isascii() and name not in _WORDS:
        return name
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _printable(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)

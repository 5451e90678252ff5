"""Representation of an estimator as text, and as HTML for notebooks."""

from collections.abc import Mapping
from html import escape
from typing import Any

from madeira.models.columns.base import Column
from madeira.models.schema.schema import Schema

__all__ = ["html_of", "text_of"]

_MAX_COLUMNS = 30
_MAX_TEXT = 40
_MAX_CATEGORIES = 4


def text_of(preset: str | None, schema: Schema | None, metrics: Mapping[str, Any]) -> str:
    """Return a line where nothing is fitted; with it the columns, a line each.

    Args:
        preset: Named settings, None where there is a config.
        schema: The columns, None before a fit.
        metrics: Of the fit.
    """
    if schema is None:
        return f"DensityEstimator({_settings(preset)}), not fitted"
    rows = [(column.name, column.kind, _details(column)) for column in _shown(schema)]
    widths = [max((len(_cut(row[place])) for row in rows), default=0) for place in (0, 1)]
    lines = [f"DensityEstimator({_settings(preset)}), {_fit(metrics)}"]
    lines += [
        f"  {_cut(name):<{widths[0]}}  {kind:<{widths[1]}}  {details}".rstrip()
        for name, kind, details in rows
    ]
    return "\n".join([*lines, *(f"  {line}" for line in _rest(schema))])


def html_of(preset: str | None, schema: Schema | None, metrics: Mapping[str, Any]) -> str:
    """Return the same as a table of HTML; arguments are those of `text_of`."""
    head = f"<b>DensityEstimator</b>({escape(_settings(preset))})"
    if schema is None:
        return f"<div>{head}, not fitted</div>"
    rows = "".join(
        f"<tr><td>{escape(_cut(column.name))}</td><td>{escape(column.kind)}</td>"
        f"<td>{escape(_details(column))}</td></tr>"
        for column in _shown(schema)
    )
    rest = "".join(f"<div>{escape(line)}</div>" for line in _rest(schema))
    return (
        f"<div>{head}, {escape(_fit(metrics))}</div>"
        "<table><thead><tr><th>column</th><th>kind</th><th>values</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{rest}"
    )


def _settings(preset: str | None) -> str:
    return "config=..." if preset is None else f"preset={preset!r}"


def _fit(metrics: Mapping[str, Any]) -> str:
    """Rows and likelihood; what a checkpoint's metrics lack is left out."""
    parts = ["fitted"]
    if isinstance(rows := metrics.get("train_rows"), int):
        parts[0] = f"fitted on {rows:,} rows"
        if isinstance(held := metrics.get("valid_rows"), int):
            parts[0] += f", {held:,} held out"
    if isinstance(nats := metrics.get("valid_nats"), float):
        parts.append(f"validation {nats:.3f} nats a row")
    return ": ".join(parts)


def _shown(schema: Schema) -> tuple[Column, ...]:
    return schema.columns[:_MAX_COLUMNS]


def _rest(schema: Schema) -> list[str]:
    """Lines on what the table does not show."""
    lines = []
    if (more := len(schema.columns) - _MAX_COLUMNS) > 0:
        lines.append(f"and {more} more")
    if schema.left_out:
        names = [_cut(left.name) for left in schema.left_out[:_MAX_COLUMNS]]
        names += ["..."] if len(schema.left_out) > _MAX_COLUMNS else []
        lines.append(f"not modelled: {', '.join(names)}")
    return lines


def _details(column: Column) -> str:
    """Return the range, or the first categories."""
    described = column.describe()
    if "categories" not in described:
        return f"{described['minimum']} to {described['maximum']}"
    shown = [_cut(str(value)) for value in described["categories"][:_MAX_CATEGORIES]]
    more = described["category_count"] - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more > 0 else "")


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT else f"{line[: _MAX_TEXT - 3]}..."

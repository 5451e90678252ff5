"""The column kinds, by name."""

from madeira.models.columns.base import Column
from madeira.models.columns.binary import Binary
from madeira.models.columns.categorical import Categorical
from madeira.models.columns.continuous import Continuous
from madeira.models.columns.datetime import ContinuousDatetime, Datetime, Duration, Time
from madeira.models.columns.factorised import Factorised
from madeira.models.columns.integer import Integer
from madeira.models.values.json_record import Record

__all__ = ["KINDS", "kind_of"]

KINDS: dict[str, type[Column]] = {
    kind.kind: kind
    for kind in (Binary, Categorical, Factorised, Integer, Continuous, Datetime, Time, Duration)
}
"""Every column kind; a new kind is entered here and in `infer`."""


def kind_of(record: Record) -> type[Column]:
    """Return the kind of an entry of `schema.json`.

    Raises:
        SchemaError: There is no such kind.
    """
    kind = KINDS.get(record.text("kind"))
    if kind is None:
        raise record.wrong("kind", f"one of {', '.join(KINDS)}")
    if kind is Datetime and "scale" in record.fields:
        return ContinuousDatetime
    return kind

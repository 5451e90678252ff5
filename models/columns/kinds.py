"""The column kinds, by name."""

from madeira.models.columns.base import Column
from madeira.models.columns.binary import Binary
from madeira.models.columns.categorical import Categorical
from madeira.models.columns.continuous import Continuous
from madeira.models.columns.datetime import Datetime
from madeira.models.columns.factorised import Factorised
from madeira.models.columns.integer import Integer

__all__ = ["KINDS"]

KINDS: dict[str, type[Column]] = {
    kind.kind: kind for kind in (Binary, Categorical, Factorised, Integer, Continuous, Datetime)
}
"""Every column kind; a new kind is entered here and in `infer`."""

"""The column kinds, by name."""

from models.columns.base import Column
from models.columns.binary import Binary
from models.columns.categorical import Categorical
from models.columns.continuous import Continuous
from models.columns.datetime import Datetime
from models.columns.factorised import Factorised
from models.columns.integer import Integer

__all__ = ["KINDS"]

KINDS: dict[str, type[Column]] = {
    kind.kind: kind for kind in (Binary, Categorical, Factorised, Integer, Continuous, Datetime)
}
"""Every column kind; a new kind is entered here and in `infer`."""

"""Column kinds: from Arrow values to codes, from codes to likelihoods and draws.

    Column.fit / encode / decode   learn a column; values to codes and back  one file a kind
    Layout(columns)                which units belong to which variable      layout.py
    Layout.features / log_prob / sample                                      the heads, in torch

A new kind is one file with a `Column` and its `Head`, an entry in `kinds.py`, a rule in
`madeira/models/schema/infer.py`, and one file in `kernels/`: the same arithmetic, compiled for one
cell at a time.
"""

from madeira.models.columns.base import Column, Head
from madeira.models.columns.binary import Binary
from madeira.models.columns.categorical import Categorical
from madeira.models.columns.continuous import Continuous
from madeira.models.columns.datetime import ContinuousDatetime, Datetime, Duration, Time
from madeira.models.columns.factorised import Factorised
from madeira.models.columns.integer import Integer
from madeira.models.columns.kinds import KINDS
from madeira.models.columns.layout import Layout

__all__ = [
    "KINDS",
    "Binary",
    "Categorical",
    "Column",
    "Continuous",
    "ContinuousDatetime",
    "Datetime",
    "Duration",
    "Factorised",
    "Head",
    "Integer",
    "Layout",
    "Time",
]

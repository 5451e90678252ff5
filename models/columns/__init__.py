"""Column kinds: from Arrow values to codes, from codes to likelihoods and draws.

    Schema.infer(table)            which columns, of which kind              schema.py, infer.py
    Schema.encode(table)           codes, float64 (rows, D), NaN missing     one file a kind
    Layout(schema.columns)         which units belong to which variable      layout.py
    Layout.features / log_prob / sample                                      the heads, in torch

A new kind is one file with a `Column` and its `Head`, an entry in `kinds.py` and a rule in
`infer.py`; and one file in `kernels/`, the same arithmetic compiled for one cell at a time.
"""

from madeira.models.columns.base import Column, Head
from madeira.models.columns.binary import Binary
from madeira.models.columns.categorical import Categorical
from madeira.models.columns.continuous import Continuous
from madeira.models.columns.datetime import Datetime
from madeira.models.columns.factorised import Factorised
from madeira.models.columns.integer import Integer
from madeira.models.columns.kinds import KINDS
from madeira.models.columns.layout import Layout
from madeira.models.columns.schema import LeftOut, Schema

__all__ = [
    "KINDS",
    "Binary",
    "Categorical",
    "Column",
    "Continuous",
    "Datetime",
    "Factorised",
    "Head",
    "Integer",
    "Layout",
    "LeftOut",
    "Schema",
]

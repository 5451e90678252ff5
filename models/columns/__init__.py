"""Column kinds: from Arrow values to codes, from codes to likelihoods and draws.

    Schema.infer(table)            which columns, of which kind              schema.py, infer.py
    Schema.encode(table)           codes, float64 (rows, D), NaN missing     one file a kind
    Layout(schema.columns)         which units belong to which variable      layout.py
    Layout.features / log_prob / sample                                      the heads, in torch

A new kind is one file with a `Column` and its `Head`, an entry in `kinds.py` and a rule in
`infer.py`; and one file in `kernels/`, the same arithmetic compiled for one cell at a time.
"""

from models.columns.base import Column, Head
from models.columns.binary import Binary
from models.columns.categorical import Categorical
from models.columns.continuous import Continuous
from models.columns.datetime import Datetime
from models.columns.factorised import Factorised
from models.columns.integer import Integer
from models.columns.kinds import KINDS
from models.columns.layout import Layout
from models.columns.schema import LeftOut, Schema

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

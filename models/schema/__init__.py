"""The schema of a table: which columns it has, of which kind, and their codes.

Schema.infer(table)            which columns, of which kind              schema.py, infer.py
Schema.encode(table)           codes, float64 (rows, D), NaN missing
Overrides                      what a user says about kinds and columns  overrides.py
"""

from madeira.models.schema.overrides import Overrides
from madeira.models.schema.schema import LeftOut, Schema

__all__ = ["LeftOut", "Overrides", "Schema"]

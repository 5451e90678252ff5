"""Exact densities of tables by masked autoencoders; usable without the service.

Example:
    >>> from madeira.models import DensityEstimator
    >>> table = {"size": [1.0, 2.0, None, 2.5] * 50, "kind": ["a", "b", "b", "b"] * 50}
    >>> estimator = DensityEstimator(preset="fast").fit(table)
    >>> estimator.log_prob(table).shape
    (200,)
    >>> estimator.sample(3, given={"kind": "a"}, seed=1)["kind"]
    ['a', 'a', 'a']
    >>> estimator.impute(table, seed=1)["size"].count(None)
    0

The same with a data frame of pandas, Polars or DuckDB, an Arrow table, a list of dicts, an array,
or the path of a file: `madeira.models.tables.rows`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from madeira.models.errors import (
    CellError,
    CheckpointError,
    ConfigError,
    ModelsError,
    OrderingError,
    RowsTypeError,
    SchemaError,
    TableError,
    TableFileError,
    TableWarning,
    TrainingError,
    TrainingWarning,
)

if TYPE_CHECKING:
    from madeira.models.estimator import DensityEstimator
    from madeira.models.schema.schema import Schema
    from madeira.models.tables.files import read_table
    from madeira.models.training.config import FitConfig, MemberConfig, TrainingConfig
    from madeira.models.training.presets import preset

__all__ = [
    "CellError",
    "CheckpointError",
    "ConfigError",
    "DensityEstimator",
    "FitConfig",
    "MemberConfig",
    "ModelsError",
    "OrderingError",
    "RowsTypeError",
    "Schema",
    "SchemaError",
    "TableError",
    "TableFileError",
    "TableWarning",
    "TrainingConfig",
    "TrainingError",
    "TrainingWarning",
    "preset",
    "read_table",
]

_AT = {
    "DensityEstimator": "madeira.models.estimator",
    "FitConfig": "madeira.models.training.config",
    "MemberConfig": "madeira.models.training.config",
    "Schema": "madeira.models.schema.schema",
    "TrainingConfig": "madeira.models.training.config",
    "preset": "madeira.models.training.presets",
    "read_table": "madeira.models.tables.files",
}
"""Imported when they are asked for: PyTorch takes seconds, and who catches an error, or reads the
help of a command, need not wait for it."""


def __getattr__(name: str) -> object:
    """Import a name of `_AT` at its first use (PEP 562).

    Raises:
        AttributeError: No such name.
    """
    if name not in _AT:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_AT[name]), name)
    return found

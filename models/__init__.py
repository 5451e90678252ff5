"""Exact densities of tables by masked autoencoders; usable without the service.

from models import DensityEstimator

estimator = DensityEstimator().fit(table)
estimator.log_prob(table)
estimator.sample(100, given={"species": "Gentoo"}, seed=1)
estimator.impute(table, draws=5, seed=1)
"""

from models.columns.schema import Schema
from models.errors import (
    CellError,
    CheckpointError,
    ConfigError,
    ModelsError,
    OrderingError,
    SchemaError,
    TableError,
    TrainingError,
)
from models.estimator import DensityEstimator
from models.training.config import FitConfig, MemberConfig, TrainingConfig
from models.training.presets import preset

__all__ = [
    "CellError",
    "CheckpointError",
    "ConfigError",
    "DensityEstimator",
    "FitConfig",
    "MemberConfig",
    "ModelsError",
    "OrderingError",
    "Schema",
    "SchemaError",
    "TableError",
    "TrainingConfig",
    "TrainingError",
    "preset",
]

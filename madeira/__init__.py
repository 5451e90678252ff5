"""Exact densities of tables: score, sample and impute rows with one model.

Example:
    >>> import madeira
    >>> table = {"size": [1.0, 2.0, None, 2.5] * 50, "kind": ["a", "b", "b", "b"] * 50}
    >>> estimator = madeira.DensityEstimator(preset="fast").fit(table)
    >>> estimator.sample(2, given={"kind": "a"}, seed=1)["kind"]
    ['a', 'a']

`madeira.models` has the densities, `madeira.app` the service. What most programs need is here:
the names of `madeira.models`, and of the service its settings, its client and the root of its
errors. `madeira.errors` has every error that a caller may catch.
`madeira.evaluation`, `madeira.sklearn` and `madeira.tuning` are the modules of these names in
`madeira.models`; the last two need the extras `sklearn` and `tune`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from madeira import errors
    from madeira.app.client import AsyncClient, Client
    from madeira.app.errors import AppError
    from madeira.app.settings import Settings
    from madeira.models import (
        CellError,
        CheckpointError,
        ConfigError,
        DensityEstimator,
        FitConfig,
        MemberConfig,
        ModelsError,
        OrderingError,
        RowsTypeError,
        Schema,
        SchemaError,
        TableError,
        TableFileError,
        TrainingConfig,
        TrainingError,
        TrainingWarning,
        evaluation,
        preset,
        read_table,
        sklearn,
        tuning,
    )

__all__ = [
    "AppError",
    "AsyncClient",
    "CellError",
    "CheckpointError",
    "Client",
    "ConfigError",
    "DensityEstimator",
    "FitConfig",
    "MemberConfig",
    "ModelsError",
    "OrderingError",
    "RowsTypeError",
    "Schema",
    "SchemaError",
    "Settings",
    "TableError",
    "TableFileError",
    "TrainingConfig",
    "TrainingError",
    "TrainingWarning",
    "errors",
    "evaluation",
    "preset",
    "read_table",
    "sklearn",
    "tuning",
]

_OF_THE_SERVICE = {
    "AppError": "madeira.app.errors",
    "AsyncClient": "madeira.app.client",
    "Client": "madeira.app.client",
    "Settings": "madeira.app.settings",
}
_MODULES = ("evaluation", "sklearn", "tuning")


def __getattr__(name: str) -> object:
    """Import a name of `__all__` at its first use (PEP 562): PyTorch takes seconds to import.

    Raises:
        AttributeError: The name is not in `__all__`.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "errors":
        return import_module("madeira.errors")
    if name in _MODULES:
        return import_module(f"madeira.models.{name}")
    module = import_module(_OF_THE_SERVICE.get(name, "madeira.models"))
    found: object = getattr(module, name)
    return found

"""A checkpoint as a model of MLflow, without pickle: `mlflow models serve` answers for it.

MLflow loads it by the name of this module, from a copy of the checkpoint. MLflow itself is needed
to write one alone, and is not installed with Madeira.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from madeira.models.errors import ConfigError
from madeira.models.estimator import DensityEstimator
from madeira.models.model_directories import find_checkpoint
from madeira.models.tables.form import Data

__all__ = ["MlflowModel", "save_model"]

_JOBS = ("score", "impute", "sample")
_PARAMETERS: Mapping[str, object] = {
    "job": "score", "contamination": 0.01, "seed": 0, "estimate": "draw", "n": 1
}  # fmt: skip


@dataclass(frozen=True)
class MlflowModel:
    """What MLflow asks.

    Attributes:
        estimator: The model.
    """

    estimator: DensityEstimator

    def predict(self, data: Data, params: Mapping[str, Any] | None = None) -> Data:
        """Answer MLflow.

        Args:
            data: Rows, a data frame of pandas where a server asks.
            params: `job`, one of `score`, `impute` and `sample`; `contamination` of a score;
                `estimate` of an imputation; `n` of a sample; `seed` of what is drawn.

        Returns:
            Scores, filled rows or new rows: a data frame of pandas for one, else what the
            estimator gives.

        Raises:
            ConfigError: There is no such job.
        """
        asked = {**_PARAMETERS, **(params or {})}
        match asked["job"]:
            case "score":
                scores = self.estimator.anomaly_score(data)
                return _like(
                    data,
                    {
                        "log_likelihood": self.estimator.log_prob(data),
                        "anomaly_score": scores,
                        "is_anomaly": scores > 1 - asked["contamination"],
                    },
                )
            case "impute":
                return self.estimator.impute(data, seed=asked["seed"], estimate=asked["estimate"])
            case "sample":
                drawn = self.estimator.sample(asked["n"], seed=asked["seed"])
                return _like(data, drawn.to_pydict())
        raise ConfigError(f"job is expected to be one of {', '.join(_JOBS)}, got {asked['job']!r}")


def save_model(model: str | Path, path: str | Path) -> None:
    """Write a model of MLflow.

    Args:
        model: A name or a directory; see `DensityEstimator.load`.
        path: A directory that does not exist yet.

    Raises:
        CheckpointError: There is no such checkpoint.
        ModuleNotFoundError: MLflow is not installed.
    """
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    names = {str: "string", float: "double", int: "long"}
    parameters = [ParamSpec(name, names[type(one)], one) for name, one in _PARAMETERS.items()]
    mlflow.pyfunc.save_model(
        str(path),
        loader_module=__name__,
        data_path=str(find_checkpoint(model)),
        signature=ModelSignature(params=ParamSchema(parameters)),
        pip_requirements=["madeira", "pandas"],
    )


def _load_pyfunc(path: str) -> MlflowModel:
    """Load a model; MLflow calls this."""
    return MlflowModel(DensityEstimator.load(Path(path)))


def _like(data: Data, columns: Mapping[str, Any]) -> Data:
    """Return columns as a data frame of the library of some rows, with their index."""
    if not hasattr(data, "iloc"):
        return dict(columns)
    frame = type(data)(columns)
    return frame.set_axis(data.index) if len(frame) == len(data) else frame

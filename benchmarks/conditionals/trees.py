"""Gradient-boosted trees of scikit-learn, trained for one column alone given all others.

Categories are told as categories, missing values as missing. With the settings that scikit-learn
comes with, trees of a few thousand rows are much too sure of rare categories; so there are others,
which are stopped early by a tenth of the training rows and whose leaves are shrunk.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from madeira.models.arrays import Bool, Float64
from madeira.models.columns.base import Column

__all__ = ["Trees", "categorical_features"]

VALID_SHARE = 0.1
SHRINKAGE = 10.0
STOPPED_ROWS = 10_000  # from which on scikit-learn stops early if nothing else is said
MAX_CATEGORIES = 254  # more are told as numbers: the trees have as many bins
MIN_PROBABILITY = 1e-15
MAX_SURPRISE = -np.log(MIN_PROBABILITY)
MIN_DEVIATION = 1e-3  # of a number's own: a few rows may be met by chance


def categorical_features(columns: Sequence[Column]) -> Bool:
    """Which columns the trees are told of as categories, shape `(variables,)`."""
    return np.array(
        [column.discrete and (column.unknown_code or 1) <= MAX_CATEGORIES for column in columns]
    )


class Trees:
    """Trees that know one column given all others.

    Args:
        columns: All columns.
        rows: Encoded training rows, shape `(rows, variables)`.
        variable: The column that is to be predicted.
        seed: Seed of the trees and of what they stop by.
        shrunk: Whether they stop early, and leaves are shrunk; otherwise settings are those that
            scikit-learn comes with.
    """

    def __init__(
        self, columns: Sequence[Column], rows: Float64, variable: int, seed: int, shrunk: bool
    ) -> None:
        rows = rows[~np.isnan(rows[:, variable])]
        self._variable, self._discrete = variable, columns[variable].discrete
        self._settings = {
            "categorical_features": np.delete(categorical_features(columns), variable),
            "early_stopping": shrunk or len(rows) > STOPPED_ROWS,
            "l2_regularization": SHRINKAGE if shrunk else 0.0,
            "random_state": seed,
        }
        valid = np.random.default_rng(seed).uniform(size=len(rows)) < VALID_SHARE
        if columns[variable].discrete:  # a category has to be among the rows that are learned
            seen = np.isin(rows[:, variable], rows[~valid, variable])
            valid &= seen
        if not self._settings["early_stopping"] or not valid.any():
            valid[:] = False
            self._settings["early_stopping"] = False
        self._rows, self._valid = rows[~valid], rows[valid]

    def log_probabilities(self, rows: Float64) -> Float64:
        """Log-probability of each row's category given its other values.

        Args:
            rows: Encoded rows, the column known in all of them.

        Returns:
            Nats, shape `(rows,)`; -inf for a category that training rows do not have.
        """
        x, y = self._parts(self._rows)
        classes = np.unique(y)
        if len(classes) == 1:
            return np.where(rows[:, self._variable] == classes[0], 0.0, -np.inf)
        model = HistGradientBoostingClassifier(**self._settings).fit(x, y, **self._valid_arguments)
        x, y = self._parts(rows)
        place = np.searchsorted(model.classes_, y).clip(max=len(model.classes_) - 1)
        chosen = model.predict_proba(x)[np.arange(len(x)), place]
        known = model.classes_[place] == y
        result: Float64 = np.where(known, np.log(np.maximum(chosen, MIN_PROBABILITY)), -np.inf)
        return result

    def quantile(self, rows: Float64, probability: float) -> Float64:
        """One quantile of the column given each row's other values, encoded, shape `(rows,)`."""
        model = HistGradientBoostingRegressor(
            loss="quantile", quantile=probability, **self._settings
        )
        model.fit(*self._parts(self._rows), **self._valid_arguments)
        return np.asarray(model.predict(self._parts(rows)[0]))

    def surprise(self, rows: Float64) -> Float64:
        """How surprising each row's value is given its other values, shape `(rows,)`.

        Minus the log-probability of a category; of a number half the square of what the predicted
        mean misses, in standard deviations of what it misses on the rows that stop the trees.
        """
        if self._discrete:
            return np.asarray(np.minimum(-self.log_probabilities(rows), MAX_SURPRISE))
        model = HistGradientBoostingRegressor(**self._settings)
        model.fit(*self._parts(self._rows), **self._valid_arguments)
        x, y = self._parts(self._valid if len(self._valid) else self._rows)
        deviation = max(np.std(y - model.predict(x)), MIN_DEVIATION * np.std(y), 1e-300)
        x, y = self._parts(rows)
        return np.asarray(((y - model.predict(x)) / deviation) ** 2 / 2)

    @property
    def _valid_arguments(self) -> dict[str, Float64]:
        if not self._settings["early_stopping"]:
            return {}
        x, y = self._parts(self._valid)
        return {"X_val": x, "y_val": y}

    def _parts(self, rows: Float64) -> tuple[Float64, Float64]:
        return np.delete(rows, self._variable, axis=1), rows[:, self._variable]

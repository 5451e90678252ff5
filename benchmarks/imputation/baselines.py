"""Imputers of scikit-learn, in this project's own environment."""

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer

from benchmarks.imputation.measures import Filled, interval_of_draws
from benchmarks.imputation.tables import Complete
from madeira.models.arrays import Float64

__all__ = ["BASELINES", "DRAWS", "Baseline"]

Baseline = Callable[[pd.DataFrame, Complete, int], Filled]

DRAWS = 5
TREES = 20


def marginal(gappy: pd.DataFrame, table: Complete, seed: int) -> Filled:
    """Means of numbers and most frequent categories."""
    point = gappy.copy()
    for name in table.frame:
        value = gappy[name].mean() if name in table.numbers else gappy[name].mode()[0]
        point[name] = gappy[name].fillna(value)
    return Filled(point, point)


def nearest(gappy: pd.DataFrame, table: Complete, seed: int) -> Filled:
    """Means over the five nearest rows, by scikit-learn's distance with missing values."""
    units = Units(gappy, table, one_hot=True)
    point = units.decode(KNNImputer().fit_transform(units.values))
    return Filled(point, point)


def linear(gappy: pd.DataFrame, table: Complete, seed: int) -> Filled:
    """Chained Bayesian ridge regressions: their means, and draws of their posterior."""
    units = Units(gappy, table, one_hot=False)
    point = units.decode(_iterated(units, IterativeImputer(random_state=seed)))
    draws = [
        units.decode(
            _iterated(units, IterativeImputer(random_state=seed + each, sample_posterior=True))
        )
        for each in range(DRAWS)
    ]
    return Filled(point, draws[0], draws, *interval_of_draws(draws, table.numbers))


def trees(gappy: pd.DataFrame, table: Complete, seed: int) -> Filled:
    """Chained extremely randomised trees, as in MissForest (Stekhoven, Buehlmann, 2012)."""
    units = Units(gappy, table, one_hot=False)
    forest = ExtraTreesRegressor(TREES, random_state=seed)
    imputer = IterativeImputer(forest, random_state=seed)
    point = units.decode(_iterated(units, imputer))
    return Filled(point, point)


BASELINES: dict[str, Baseline] = {
    "mean / mode": marginal,
    "k-NN": nearest,
    "iterative, linear": linear,
    "iterative, trees": trees,
}


class Units:
    """A table as numbers: numbers by their range, categories one-hot or as their places.

    Chained regressions get places: the units of a one-hot category are missing together, and each
    would be predicted from what stands in for the others.

    Attributes:
        values: Shape `(rows, units)`, NaN where missing.
    """

    def __init__(self, gappy: pd.DataFrame, table: Complete, one_hot: bool) -> None:
        self._gappy, self._table, self._one_hot = gappy, table, one_hot
        self._low, self._high = gappy[table.numbers].min(), gappy[table.numbers].max()
        self._span = (self._high - self._low).replace(0.0, 1.0)
        self._outcomes = {
            name: np.array(sorted(gappy[name].dropna().unique()), dtype=object)
            for name in table.categories
        }
        parts = [((gappy[table.numbers] - self._low) / self._span).to_numpy()]
        for name, outcomes in self._outcomes.items():
            hot = gappy[name].to_numpy(dtype=object)[:, None] == outcomes
            units = hot.astype(float) if one_hot else hot.argmax(axis=1)[:, None].astype(float)
            parts.append(np.where(gappy[name].isna().to_numpy()[:, None], np.nan, units))
        self.values: Float64 = np.hstack(parts)

    def decode(self, filled: Float64) -> pd.DataFrame:
        """Return the table with its gaps filled from units: the likeliest, or nearest, category."""
        result = self._gappy.copy()
        at = len(self._table.numbers)
        for place, name in enumerate(self._table.numbers):
            values = filled[:, place] * self._span[name] + self._low[name]
            result[name] = result[name].fillna(pd.Series(values))
        for name, outcomes in self._outcomes.items():
            if self._one_hot:
                chosen = filled[:, at : at + len(outcomes)].argmax(axis=1)
            else:
                chosen = filled[:, at].round().clip(0, len(outcomes) - 1).astype(int)
            at += len(outcomes) if self._one_hot else 1
            result[name] = result[name].fillna(pd.Series(outcomes[chosen]))
        return result


def _iterated(units: Units, imputer: IterativeImputer) -> Float64:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        filled: Float64 = imputer.fit_transform(units.values)
    return filled

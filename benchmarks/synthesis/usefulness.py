"""Train on synthetic rows, test on real ones (Esteban, Hyland and Rätsch 2017)."""

import numpy as np
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score

from benchmarks.synthesis.two_sample import feature_matrices
from madeira.models.evaluation.aligned_columns import aligned_columns

__all__ = ["usefulness"]


def usefulness(train: pa.Table, test: pa.Table, target: str, seed: int = 0) -> float:
    """How well gradient-boosted trees that learned from some rows predict a column of others.

    Args:
        train: Rows to learn from, synthetic or real.
        test: Real rows to predict.
        target: Column to predict: of two categories, or of numbers.
        seed: Seed of the trees.

    Returns:
        Area under the ROC curve for categories, 0.5 where `train` has one of them only;
        coefficient of determination for numbers.

    Raises:
        TableError: A table lacks a column, or has another sort of values in it.
    """
    (x, x_test), categories = feature_matrices([train.drop([target]), test.drop([target])])
    (column,) = aligned_columns([train.select([target]), test.select([target])])
    y, y_test = column.floats(0), column.floats(1)
    x, y = x[~np.isnan(y)], y[~np.isnan(y)]
    if column.number:
        regressor = HistGradientBoostingRegressor(
            categorical_features=categories, early_stopping=False, random_state=seed
        )
        return float(r2_score(y_test, regressor.fit(x, y).predict(x_test)))
    if len(np.unique(y)) < 2:
        return 0.5
    classifier = HistGradientBoostingClassifier(
        categorical_features=categories, early_stopping=False, random_state=seed
    )
    classifier.fit(x, y)
    return float(roc_auc_score(y_test, classifier.predict_proba(x_test)[:, 1]))

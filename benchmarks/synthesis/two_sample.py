"""Classifier two-sample test: whether gradient-boosted trees tell synthetic rows from real ones.

Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests (ICLR 2017), with the score of the
detection metrics of SDMetrics (DataCebo): 1 - (2 max(AUC, 1/2) - 1), averaged over the folds of a
stratified cross-validation; 1 where the classifier can do no better than guess.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from madeira.models.arrays import Bool, Float64
from madeira.models.evaluation.aligned_columns import aligned_columns

__all__ = ["BINS", "feature_matrices", "two_sample_score"]


FOLDS = 3
BINS = 255  # of the trees: more categories than that are ordered, not split apart


def feature_matrices(tables: Sequence[pa.Table]) -> tuple[list[Float64], Bool]:
    """Return what the trees are given of some tables with the same columns.

    Returns:
        A matrix `(rows, columns)` for each table, numbers as they are and categories as codes,
        NaN where missing; and which columns are categories, `(columns,)`.

    Raises:
        TableError: A table lacks a column of the first, or has another sort of values in it.
    """
    columns = aligned_columns(tables)
    matrices = [
        np.column_stack([column.floats(table) for column in columns])
        for table in range(len(tables))
    ]
    categories = np.array([not column.number and column.count <= BINS for column in columns])
    return matrices, categories


def two_sample_score(real: pa.Table, synthetic: pa.Table, seed: int = 0) -> float:
    """How little a classifier can tell synthetic rows from real ones.

    As many rows of both are taken, drawn by the seed.

    Args:
        real: Real rows.
        synthetic: Synthetic rows with the columns of `real`.
        seed: Seed of the rows, the folds and the classifier.

    Returns:
        In [0, 1]: 1 if they cannot be told apart, 0 if every row can.

    Raises:
        TableError: A table lacks a column, or has another sort of values in it.
    """
    matrices, categories = feature_matrices([real, synthetic])
    generator = np.random.default_rng(seed)
    rows = min(len(matrix) for matrix in matrices)
    x = np.concatenate([matrix[generator.permutation(len(matrix))[:rows]] for matrix in matrices])
    y = np.repeat([0, 1], rows)
    scores = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, y):
        trees = HistGradientBoostingClassifier(
            categorical_features=categories, early_stopping=False, random_state=seed
        )
        trees.fit(x[train], y[train])
        area = float(roc_auc_score(y[test], trees.predict_proba(x[test])[:, 1]))
        scores.append(1 - (2 * max(area, 0.5) - 1))
    return float(np.mean(scores))

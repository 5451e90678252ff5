"""What users of scikit-learn do with an estimator, done with this one."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from madeira.models import DensityEstimator, FitConfig, preset
from madeira.models.arrays import Float64
from madeira.models.sklearn import MADEDensity


@pytest.fixture(scope="module")
def numbers() -> Float64:
    """1000 rows of two numbers that hang together and a third that does not; some cells missing."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(1000, 3)) @ np.array([[1, 0.9, 0], [0, 0.4, 0], [0, 0, 1]])
    holes: Float64 = np.where(generator.random(rows.shape) < 0.1, np.nan, rows)
    return holes


@pytest.fixture(scope="module")
def fitted(numbers: Float64) -> MADEDensity:
    return MADEDensity("fast", contamination=0.05, random_state=0).fit(numbers)


def test_scores_are_those_of_the_density(fitted: MADEDensity, numbers: Float64) -> None:
    assert isinstance(fitted.density_, DensityEstimator)
    table = pa.table({f"x{i}": pa.array(numbers[:, i], from_pandas=True) for i in range(3)})
    np.testing.assert_array_equal(fitted.score_samples(numbers), fitted.density_.log_prob(table))
    assert fitted.score(numbers) == fitted.score_samples(numbers).mean()


def test_outliers_are_as_many_as_the_contamination_and_the_odd_ones(
    fitted: MADEDensity, numbers: Float64
) -> None:
    verdicts = fitted.predict(numbers)
    assert (verdicts == -1).sum() == 50
    assert fitted.predict([[1, 0.9, 0], [1, -3, 0], [0, 0, 9]]).tolist() == [1, -1, -1]
    np.testing.assert_array_equal(fitted.fit_predict(numbers), verdicts)
    complete = numbers[~np.isnan(numbers).any(axis=1)]
    np.testing.assert_allclose(
        fitted.decision_function(complete), fitted.score_samples(complete) - fitted.offset_
    )


def test_missing_cells_make_no_row_normal_and_none_odd(
    fitted: MADEDensity, numbers: Float64
) -> None:
    """The border follows what is observed: half-known rows are outliers as often as whole ones."""
    generator = np.random.default_rng(1)
    fresh = generator.normal(size=(2000, 3)) @ np.array([[1, 0.9, 0], [0, 0.4, 0], [0, 0, 1]])
    half = fresh.copy()
    half[:, 1] = np.nan
    shares = [(fitted.predict(rows) == -1).mean() for rows in (fresh, half)]
    assert shares == pytest.approx([0.05, 0.05], abs=0.03)
    assert fitted.predict([[np.nan, np.nan, 8.0]]).tolist() == [-1]
    assert fitted.predict([[np.nan, np.nan, np.nan]]).tolist() == [1]


def test_imputation_uses_what_is_observed_and_repeats(
    fitted: MADEDensity, numbers: Float64
) -> None:
    filled = fitted.transform(numbers)
    observed = ~np.isnan(numbers)
    assert not np.isnan(filled).any()
    np.testing.assert_array_equal(filled[observed], numbers[observed])
    np.testing.assert_array_equal(filled, fitted.transform(numbers))
    rows = np.array([[2.0, np.nan, 0.0], [-2.0, np.nan, 0.0]])
    assert fitted.transform(rows)[:, 1] == pytest.approx([1.8, -1.8], abs=0.4)
    drawn = clone(fitted).set_params(estimate="draw").fit(numbers)
    repeated = drawn.transform(np.repeat(rows[:1], 200, axis=0))[:, 1]
    assert repeated.std() == pytest.approx(0.4, abs=0.2)


def test_samples_are_like_the_rows(fitted: MADEDensity, numbers: Float64) -> None:
    drawn = fitted.sample(4000, random_state=3)
    assert drawn.shape == (4000, 3)
    assert np.isnan(drawn).mean(axis=0) == pytest.approx(np.isnan(numbers).mean(axis=0), abs=0.05)
    whole = drawn[~np.isnan(drawn).any(axis=1)]
    assert np.corrcoef(whole.T)[0, 1] == pytest.approx(0.91, abs=0.06)
    assert not np.array_equal(fitted.sample(3), fitted.sample(3))
    with pytest.raises(ValueError, match="must not be negative"):
        fitted.sample(-1)


def test_constant_and_empty_columns_keep_their_places(small: FitConfig, numbers: Float64) -> None:
    nothing = np.full(len(numbers), np.nan)
    fives = np.where(np.arange(len(numbers)) % 4, 5.0, np.nan)
    rows = np.column_stack([numbers[:, 0], fives, nothing])
    fitted = MADEDensity(config=small, random_state=0).fit(rows)
    filled, drawn = fitted.transform(rows), fitted.sample(9, random_state=0)
    assert filled.shape == rows.shape
    assert drawn.shape == (9, 3)
    for result in (filled, drawn):
        assert (result[:, 1] == 5).all()
        assert np.isnan(result[:, 2]).all()


def test_arrays_of_texts_and_numbers_are_categories_and_numbers(small: FitConfig) -> None:
    generator = np.random.default_rng(0)
    kinds = generator.choice(["a", "b"], 100).astype(object)
    kinds[::9] = None
    rows = np.column_stack([kinds, generator.normal(size=100).astype(object)])
    fitted = MADEDensity(config=small, random_state=0).fit(rows)
    assert fitted.density_.schema.columns[0].kind == "categorical"
    filled = fitted.transform(rows)
    assert set(filled[:, 0]) == {"a", "b"}
    assert filled[1].tolist() == rows[1].tolist()
    assert fitted.sample(4, random_state=0).shape == (4, 2)
    assert len(fitted.score_samples([["a", 0.1], ["never seen", 0.2]])) == 2


def test_arrow_tables_come_back_as_arrow_tables(small: FitConfig) -> None:
    table = pa.table({"x": [0.5, 1.7, None, 2.2] * 20, "k": ["a", None, "b", "b"] * 20})
    fitted = MADEDensity(config=small, random_state=0).fit(table)
    assert fitted.transform(table).schema == table.schema
    assert fitted.sample(5, random_state=0).schema == table.schema
    assert fitted.feature_names_in_.tolist() == ["x", "k"]


def test_a_pickle_answers_the_same_and_holds_no_training_row(
    fitted: MADEDensity, numbers: Float64
) -> None:
    content = pickle.dumps(fitted)
    for copied in (pickle.loads(content), clone(fitted).fit(numbers)):  # noqa: S301
        np.testing.assert_array_equal(copied.score_samples(numbers), fitted.score_samples(numbers))
        np.testing.assert_array_equal(copied.predict(numbers), fitted.predict(numbers))
        np.testing.assert_array_equal(copied.transform(numbers), fitted.transform(numbers))
    assert not any(value.tobytes() in content for value in numbers[:, 0] if value == value)


def test_grid_search_chooses_by_likelihood(numbers: Float64, small: FitConfig) -> None:
    search = GridSearchCV(
        MADEDensity(random_state=0), {"config": [small, preset("fast")]}, cv=2, refit=False
    ).fit(numbers)
    assert search.best_params_ == {"config": preset("fast")}
    scores = cross_val_score(MADEDensity(config=small, random_state=0), numbers, cv=2)
    assert np.isfinite(scores).all()


def test_pipelines_and_column_transformers_take_it(
    small: FitConfig, every_type: pd.DataFrame
) -> None:
    frame = every_type.drop(columns=["name", "since"])
    target = frame.pop("flag")
    encode = ColumnTransformer(
        [
            ("numbers", StandardScaler(), make_column_selector(dtype_include="number")),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["town", "level", "text"]),
        ]
    )
    impute = MADEDensity(config=small, random_state=0).set_output(transform="pandas")
    pipeline = make_pipeline(impute, encode, LogisticRegression()).fit(frame, target)
    assert pipeline.predict(frame).shape == (200,)
    part = ColumnTransformer(
        [("impute", MADEDensity(config=small), ["size", "whole"])], remainder="passthrough"
    ).set_output(transform="pandas")
    filled = part.fit_transform(frame)
    assert filled["impute__size"].notna().all()


def test_a_wrong_parameter_is_told_when_it_is_fitted(numbers: Float64) -> None:
    for contamination in (0, 0.6, "auto"):
        with pytest.raises(ValueError, match="contamination must be in"):
            MADEDensity("fast", contamination=contamination).fit(numbers)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="estimate must be one of"):
        MADEDensity("fast", estimate="best").fit(numbers)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected one of"):
        MADEDensity("fast", schema={"nobody": "integer"}).fit(numbers)
    with pytest.raises(NotFittedError):
        MADEDensity().predict(numbers)

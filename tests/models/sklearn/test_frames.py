"""Data frames of pandas go in and come out with their types, names and index."""

import numpy as np
import pandas as pd
import pytest

from madeira.models import FitConfig
from madeira.models.sklearn import MADEDensity


@pytest.fixture(scope="module")
def fitted(small: FitConfig, every_type: pd.DataFrame) -> MADEDensity:
    return MADEDensity(config=small, random_state=0).fit(every_type)


def test_imputed_rows_keep_types_index_and_observed_cells(
    fitted: MADEDensity, every_type: pd.DataFrame
) -> None:
    filled = fitted.transform(every_type)
    pd.testing.assert_series_equal(filled.dtypes, every_type.dtypes)
    pd.testing.assert_index_equal(filled.index, every_type.index)
    assert filled.notna().all(axis=None)
    observed = every_type.notna()
    pd.testing.assert_frame_equal(filled.where(observed), every_type.where(observed))
    assert set(filled["level"].unique()) <= {"low", "mid", "high"}
    assert (filled["island"] == "Madeira").all()


def test_samples_have_the_columns_and_types_of_the_training_rows(
    fitted: MADEDensity, every_type: pd.DataFrame
) -> None:
    drawn = fitted.sample(50, random_state=1)
    pd.testing.assert_series_equal(drawn.dtypes, every_type.dtypes)
    assert len(drawn) == 50
    whole = [name for name in every_type if every_type[name].notna().all() and name != "name"]
    assert drawn[whole].notna().all(axis=None)
    assert drawn["name"].isna().all()  # a key: set aside, and nothing to draw
    pd.testing.assert_frame_equal(drawn, fitted.sample(50, random_state=1))
    given = fitted.sample(20, given={"town": "Funchal"}, random_state=2)
    assert set(given["town"]) == {"Funchal"}
    assert len(fitted.score_samples(drawn)) == 50


def test_a_column_that_misses_altogether_is_filled_in_its_trained_type(
    fitted: MADEDensity, every_type: pd.DataFrame
) -> None:
    rows = every_type.head(5).assign(town=np.nan, size=np.nan, level=None)
    filled = fitted.transform(rows)
    assert filled["town"].isin(["Funchal", "Machico", "Calheta"]).all()
    assert filled["size"].between(100, 240).all()
    assert filled["level"].dtype == every_type["level"].dtype


def test_unseen_categories_and_other_widths_are_answered(
    fitted: MADEDensity, every_type: pd.DataFrame
) -> None:
    rows = every_type.head(3).assign(town="Porto Moniz", whole=[1.0, 2.0, 3.0])
    assert np.isfinite(fitted.score_samples(rows)).all()
    assert fitted.predict(rows).shape == (3,)


def test_names_are_checked_as_scikit_learn_does(
    fitted: MADEDensity, every_type: pd.DataFrame
) -> None:
    assert fitted.feature_names_in_.tolist() == every_type.columns.tolist()
    assert fitted.get_feature_names_out().tolist() == every_type.columns.tolist()
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.score_samples(every_type.rename(columns={"size": "height"}))
    with pytest.raises(ValueError, match="two columns are named 'a'"):
        MADEDensity("fast").fit(pd.DataFrame([[1, 2]] * 3, columns=["a", "a"]))
    with pytest.raises(ValueError, match=r"1 sample\(s\)"):
        fitted.fit(every_type.head(1))


def test_errors_name_row_column_and_what_was_expected(fitted: MADEDensity) -> None:
    rows = fitted.sample(3, random_state=0)
    rows["size"] = [1.0, np.inf, 2.0]
    with pytest.raises(ValueError, match="row 1, column 'size'"):
        fitted.score_samples(rows)
    mixed = pd.DataFrame({"x": [1, b"a", 2.5]})
    with pytest.raises(ValueError, match="holds values of several sorts"):
        MADEDensity("fast").fit(mixed)
    with pytest.raises(ValueError, match="nothing is left to model: x: constant"):
        MADEDensity("fast").fit(pd.DataFrame({"x": [1, 1, 1]}))


def test_columns_without_text_names_are_taken_by_place(small: FitConfig) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=[10, 20])
    frame.iloc[0, 1] = np.nan
    fitted = MADEDensity(config=small, random_state=0).fit(frame)
    assert fitted.sample(3, random_state=0).columns.tolist() == [10, 20]
    filled = fitted.transform(frame)
    assert filled.columns.tolist() == [10, 20]
    assert filled.notna().all(axis=None)

"""Whether rows can be told apart, and whether they teach what real ones do."""

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.synthesis.two_sample import feature_matrices, two_sample_score
from benchmarks.synthesis.usefulness import usefulness
from madeira.models.errors import TableError

ROWS = 1500


def mixed(seed: int, slope: float = 1.0) -> pa.Table:
    """Numbers of which one follows from the other, and categories that follow from it."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=ROWS)
    y = slope * x + 0.3 * generator.normal(size=ROWS)
    sign = np.where(x + 0.3 * generator.normal(size=ROWS) > 0, "plus", "minus")
    return pa.table({"x": x, "y": y, "sign": sign})


def shuffled(table: pa.Table) -> pa.Table:
    """Return the same columns, independent of each other."""
    generator = np.random.default_rng(9)
    return pa.table(
        {
            name: table[name].take(generator.permutation(table.num_rows))
            for name in table.column_names
        }
    )


def test_rows_of_one_distribution_can_hardly_be_told_apart() -> None:
    assert two_sample_score(mixed(0), mixed(1)) > 0.9


def test_rows_of_disjoint_ranges_can_always_be_told_apart() -> None:
    real = pa.table({"x": np.arange(300.0)})
    synthetic = pa.table({"x": np.arange(300.0) + 1000})
    assert two_sample_score(real, synthetic) == pytest.approx(0, abs=0.01)


def test_right_columns_that_are_wrongly_related_are_told_apart() -> None:
    assert two_sample_score(mixed(0), shuffled(mixed(1))) < 0.2


def test_the_score_of_a_wrong_slope_lies_between() -> None:
    score = two_sample_score(mixed(0), mixed(1, slope=0.8))
    assert two_sample_score(mixed(0), shuffled(mixed(1))) < score < 0.9


def test_a_category_that_real_rows_lack_gives_rows_away() -> None:
    real = pa.table({"c": ["a", "b"] * 300})
    synthetic = pa.table({"c": ["a", "z"] * 300})
    # Half of the rows of each are certain, the others a guess: the area is 1/4 * 1/2 + 3/4.
    assert two_sample_score(real, synthetic) == pytest.approx(0.25, abs=0.01)


def test_missing_values_are_a_sign_too() -> None:
    real = pa.table({"x": pa.array([1.0, 2.0] * 300)})
    synthetic = pa.table({"x": pa.array([None, 2.0] * 300, type=pa.float64())})
    assert two_sample_score(real, synthetic) == pytest.approx(0.25, abs=0.01)


def test_no_more_rows_of_one_table_are_taken_than_there_are_of_the_other() -> None:
    real = pa.table({"x": np.zeros(600)})
    synthetic = pa.table({"x": np.zeros(90)})
    assert two_sample_score(real, synthetic) == 1


def test_the_same_seed_gives_the_same_score() -> None:
    assert two_sample_score(mixed(0), mixed(2), 3) == two_sample_score(mixed(0), mixed(2), 3)


def test_a_category_has_the_same_code_in_all_tables() -> None:
    (first, second), categories = feature_matrices(
        [pa.table({"c": ["a", "b"], "x": [1, 2]}), pa.table({"x": [3], "c": ["b"]})]
    )
    assert second[0, 0] == first[1, 0] != first[0, 0]
    assert second[0, 1] == 3
    assert categories.tolist() == [True, False]


def test_a_table_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(TableError, match="lacks this column"):
        two_sample_score(mixed(0), mixed(1).drop(["y"]))


@pytest.mark.parametrize("target", ["y", "sign"])
def test_faithful_rows_teach_what_real_ones_do_and_shuffled_ones_nothing(target: str) -> None:
    real = usefulness(mixed(0), mixed(1), target)
    faithful = usefulness(mixed(2), mixed(1), target)
    chance = {"y": 0.0, "sign": 0.5}[target]
    assert real > chance + 0.3
    assert faithful == pytest.approx(real, abs=0.05)
    assert usefulness(shuffled(mixed(2)), mixed(1), target) < chance + 0.15


def test_rows_of_one_category_alone_teach_nothing() -> None:
    train = mixed(0).set_column(2, "sign", pa.array(["plus"] * ROWS))
    assert usefulness(train, mixed(1), "sign") == 0.5


def test_rows_without_the_target_are_not_learned_from() -> None:
    gaps = pa.array(np.where(np.arange(ROWS) % 2, np.nan, mixed(0)["y"]), from_pandas=True)
    train = mixed(0).set_column(1, "y", gaps)
    assert usefulness(train, mixed(1), "y") > 0.8

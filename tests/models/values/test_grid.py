"""Grids are found where there are some, and hold their values exactly."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madeira.models.values.grid import Grid

GENERATOR = np.random.default_rng(0)
WHOLE = GENERATOR.integers(-500, 500, 300)


@pytest.mark.parametrize(
    ("values", "arrow_type", "resolution"),
    [
        (WHOLE, pa.int16(), 1),
        (WHOLE * 1.0, pa.float64(), 1),
        (WHOLE * 100 + 7, pa.int64(), 100),
        (WHOLE / 2, pa.float64(), 0.5),
        (WHOLE + 0.5, pa.float64(), 1),
        (WHOLE / 100, pa.float64(), 0.01),
        (WHOLE / 20, pa.float64(), 0.05),
        (WHOLE / 100, pa.float32(), 0.01),
        (WHOLE / 8, pa.float16(), None),
        (WHOLE / 1e6, pa.float64(), 1e-6),
        (WHOLE / 1e5, pa.float32(), 1e-5),
        (GENERATOR.normal(size=300), pa.float64(), None),
        (GENERATOR.random(300), pa.float32(), None),
        (GENERATOR.random(300) * 1e-3, pa.float32(), None),
        (WHOLE / 3, pa.float64(), None),
        (WHOLE * 1e200, pa.float64(), None),
        ([5.0], pa.float64(), 1),
        ([2**60, -(2**62), 7], pa.int64(), 1),
    ],
    ids=str,
)
def test_the_coarsest_grid_is_found(
    values: np.ndarray, arrow_type: pa.DataType, resolution: float | None
) -> None:
    typed = pa.array(values).cast(arrow_type, safe=False)
    grid = Grid.find(typed)
    assert (grid.resolution if grid else None) == resolution


def test_decimals_stand_on_a_grid() -> None:
    grid = Grid.find(pa.array([Decimal("1.25"), Decimal("-3.10")], pa.decimal128(7, 2)))
    assert grid == Grid(25, 87, 20)


@given(
    places=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=30),
    decimals=st.integers(0, 6),
    step=st.sampled_from([1, 2, 5, 25]),
)
def test_points_come_back_exactly(places: list[int], decimals: int, step: int) -> None:
    values = np.array([place * step for place in places]) / 10**decimals
    grid = Grid.find(pa.array(values))
    assert grid is not None
    codes = grid.codes(values)
    assert (codes == np.rint(codes)).all()
    assert grid.values(codes).tolist() == values.tolist()
    origin = grid.origin / grid.denominator
    assert Grid.of(origin, grid.resolution).values(codes).tolist() == values.tolist()


def test_values_between_points_are_those_of_the_nearest_and_null_stays() -> None:
    grid = Grid(0, 1, 2)
    codes = grid.codes(np.array([0.7, 0.8, -0.24, np.nan]))
    np.testing.assert_array_equal(codes, [1, 2, 0, np.nan])
    np.testing.assert_array_equal(grid.values(codes + 0.2), [0.5, 1, 0, np.nan])


def test_the_farthest_values_have_codes_that_float32_holds() -> None:
    codes = Grid(0, 1, 10**6).codes(np.array([1.7e308, -1.7e308])).astype(np.float32)
    assert np.isfinite(codes).all()

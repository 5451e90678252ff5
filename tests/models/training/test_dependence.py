"""What masks take from the training rows."""

import numpy as np
import pyarrow as pa
import pytest

from madeira.models.columns import Layout
from madeira.models.made import MaskConfig
from madeira.models.schema import Schema
from madeira.models.training.dependence import (
    coordinates,
    dependence_graph,
    entropies,
    mask_statistics,
    missingness_tiers,
    neighbourhood,
)


def test_variables_missing_less_often_come_in_lower_tiers() -> None:
    values = np.zeros((1000, 5))
    for variable, missing in enumerate([0, 5, 15, 300, 310]):
        values[:missing, variable] = np.nan
    assert missingness_tiers(values).tolist() == [0, 1, 2, 6, 6]


def test_entropies_of_bits_are_exact_however_rare() -> None:
    values = np.zeros((1000, 4))
    for variable, ones in enumerate([3, 500, 997, 0]):
        values[:ones, variable] = 1
    shares = np.array([0.003, 0.5, 0.997])
    exact = -shares * np.log(shares) - (1 - shares) * np.log(1 - shares)
    assert entropies(values) == pytest.approx([*exact, 0.0])


def test_entropies_of_numbers_are_of_their_cells_and_leave_out_what_is_missing() -> None:
    generator = np.random.default_rng(0)
    values = generator.lognormal(size=(4000, 3))
    values[:, 1] = 0
    values[:100, 1] = np.nan
    values[:, 2] = np.nan
    number, constant, missing = entropies(values)
    assert number == pytest.approx(np.log(16), rel=0.02)
    assert constant == missing == 0


def bits_layout(variables: int) -> Layout:
    table = pa.table({f"v{index}": [True, False] for index in range(variables)})
    return Layout(Schema.infer(table).columns)


def grid(rows: int, side: int) -> tuple[np.ndarray, Layout]:
    """Rows of bits of a square, neighbours alike, and one constant variable behind them."""
    generator = np.random.default_rng(1)
    noise = generator.normal(size=(rows, side + 2, side + 2))
    smooth = np.sum([np.roll(noise, step, axis) for step in (0, 1, -1) for axis in (1, 2)], axis=0)
    bits = (smooth[:, 1:-1, 1:-1] > 0).reshape(rows, -1).astype(float)
    return np.column_stack([bits, np.zeros(rows)]), bits_layout(side**2 + 1)


def test_pixels_come_to_lie_as_in_the_image() -> None:
    side = 7
    values, layout = grid(6000, side)
    joined = dependence_graph(values, layout)
    assert not joined[-1].any()
    place = coordinates(joined)
    assert place is not None
    assert np.isnan(place[-1]).all()
    in_plane = np.column_stack([place[:-1, :2], np.ones(side**2)])
    for axis in np.divmod(np.arange(side**2), side):
        fitted = in_plane @ np.linalg.lstsq(in_plane, axis, rcond=None)[0]
        assert np.corrcoef(fitted, axis)[0, 1] > 0.9


def test_too_few_variables_that_vary_have_no_coordinates() -> None:
    values = np.column_stack([[1.0, 0.0] * 5, [0.0] * 10, [1.0] * 10])
    joined = dependence_graph(values, bits_layout(3))
    assert np.diag(joined).tolist() == [True, False, False]
    assert coordinates(joined) is None


def test_reach_is_counted_in_steps() -> None:
    chain = np.abs(np.subtract.outer(np.arange(6), np.arange(6))) <= 1
    chain[5] = chain[:, 5] = False
    within = neighbourhood(chain, 2)
    assert within[0].tolist() == [True, True, True, False, False, False]
    assert within[2].tolist() == [True] * 5 + [False]
    assert not within[5].any()
    assert neighbourhood(chain, 1).tolist() == chain.tolist()


def test_rows_with_gaps_are_joined_by_what_is_known() -> None:
    generator = np.random.default_rng(3)
    first = generator.random(4000) < 0.5
    values = np.column_stack([first, generator.random((4000, 6)) < 0.5, first]).astype(float)
    values[generator.random(values.shape) < 0.3] = np.nan
    joined = dependence_graph(values, bits_layout(8))
    assert joined[0, 7]
    assert (joined == joined.T).all()


def test_only_what_the_masks_follow_is_worked_out() -> None:
    values, layout = grid(200, 3)
    plain = mask_statistics(MaskConfig("random", "even", count=1), values, layout)
    assert plain.entropies is None
    assert plain.coordinates is None
    assert plain.neighbourhood is None
    both = mask_statistics(MaskConfig("smooth", "entropy", count=1, reach=2), values, layout)
    assert both.entropies is not None
    assert both.coordinates is not None
    assert both.neighbourhood is not None
    assert not both.neighbourhood.all()

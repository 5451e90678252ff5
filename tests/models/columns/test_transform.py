"""Transforms are monotone, invertible, and even out what is skewed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from madeira.models.arrays import Float64
from madeira.models.columns.transform import Transform, log_slope, stack, transform, untransform
from madeira.models.errors import SchemaError
from madeira.models.values.json_record import Record

NORMAL = np.random.default_rng(0).normal(size=2000)
COLUMNS = {
    "normal": NORMAL,
    "log-normal": np.exp(1.5 * NORMAL),
    "mirrored": -np.exp(1.5 * NORMAL),
    "heavy tails": np.sinh(2 * NORMAL),
    "one value": np.full(5, 3.0),
    "two values": np.array([0.0, 1.0] * 9),
    "tiny": NORMAL * 1e-9 + 1e-5,
    "huge": NORMAL * 1e15,
}


@pytest.mark.parametrize("codes", COLUMNS.values(), ids=COLUMNS.keys())
def test_codes_come_back_and_order_is_kept(codes: Float64) -> None:
    numbers = stack([Transform.fit(codes)])
    spread = codes.std() or 1.0
    line = np.linspace(codes.min() - 50 * spread, codes.max() + 50 * spread, 4001)
    points = transform(torch.tensor(line)[:, None], numbers)
    assert (points.diff(dim=0) > 0).all()
    np.testing.assert_allclose(
        untransform(points, numbers)[:, 0], line, rtol=1e-9, atol=1e-9 * spread
    )


@pytest.mark.parametrize("codes", COLUMNS.values(), ids=COLUMNS.keys())
def test_the_slope_is_the_derivative(codes: Float64) -> None:
    numbers = stack([Transform.fit(codes)])
    spread = codes.std() or 1.0
    line = torch.linspace(codes.min() - 3 * spread, codes.max() + 3 * spread, 97).double()[:, None]
    line = line.requires_grad_()
    (slope,) = torch.autograd.grad(transform(line, numbers).sum(), line)
    torch.testing.assert_close(log_slope(line, numbers), slope.log(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["normal", "log-normal", "mirrored", "heavy tails"])
def test_skewed_columns_become_nearly_normal(name: str) -> None:
    codes = COLUMNS[name]
    points = transform(torch.tensor(codes)[:, None], stack([Transform.fit(codes)])).numpy()[:, 0]
    assert (points.mean(), points.std()) == pytest.approx((0, 1), abs=1e-6)
    assert abs(stats.skew(points)) < 0.3
    assert abs(stats.kurtosis(points)) < 0.6


def test_beyond_the_training_values_it_is_straight() -> None:
    fitted = Transform.fit(COLUMNS["log-normal"])
    highest = COLUMNS["log-normal"].max()
    line = highest * torch.tensor([1.0, 2.0, 3.0, 1000.0], dtype=torch.float64)[:, None]
    points = transform(line, stack([fitted]))[:, 0]
    assert (points[2] - points[1]).item() == pytest.approx((points[1] - points[0]).item())
    assert (points[3] - points[0]).item() == pytest.approx(999 * (points[1] - points[0]).item())


@given(codes=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_any_codes_have_a_transform(codes: list[float]) -> None:
    fitted = Transform.fit(np.array(codes))
    points = transform(torch.tensor(codes, dtype=torch.float64)[:, None], stack([fitted]))
    assert points.isfinite().all()
    record = Record.of("here", fitted.to_json())
    assert Transform.from_json(record) == fitted


def test_edited_numbers_are_checked() -> None:
    fields = Transform.fit(NORMAL).to_json()
    for wrong, message in [
        ({"width": 0.0}, "'width' must be a finite number above 0"),
        ({"low": 9e9}, "'low' must be no larger than 'high'"),
        ({"depth": 1.0}, "unknown field 'depth'"),
    ]:
        with pytest.raises(SchemaError, match=message):
            Transform.from_json(Record.of("here", fields | wrong))

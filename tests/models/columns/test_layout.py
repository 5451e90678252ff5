"""Many columns evaluated together are each evaluated as if alone."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils import _python_dispatch

from madeira.models.columns import Column, Layout

MakeColumns = Callable[[Sequence[str]], list[Column]]

KINDS = st.lists(
    st.sampled_from(["b", "x", "i", "t", "c1", "c2", "c6", "c20"]), min_size=1, max_size=9
)
MIXED = ["c3", "x", "b", "c9", "i", "c2", "t", "x", "b", "i", "c3", "c17", "i"]
# The fixture only makes columns: it keeps nothing from one example to the next.
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


class _CountOperations(_python_dispatch.TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the tensor operations that run."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        self.count += 1
        return function(*args, **(kwargs or {}))


def draw(layout: Layout, rows: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Random values that the columns can hold, (rows, D), a fifth of them missing."""
    parameters = torch.randn(rows, layout.outputs, device=device)
    values = layout.sample(parameters, torch.rand(rows, layout.noise, device=device))
    return values.masked_fill(torch.rand(values.shape, device=device) < 0.2, torch.nan)


@SHARED
@given(kinds=KINDS)
def test_every_unit_belongs_to_one_variable(make_columns: MakeColumns, kinds: list[str]) -> None:
    columns = make_columns(kinds)
    layout = Layout(columns)
    assert layout.variables == len(columns)
    for owners, units in [
        (layout.variable_of_input, [column.inputs for column in columns]),
        (layout.variable_of_output, [column.outputs for column in columns]),
        (layout.variable_of_noise, [column.noise for column in columns]),
    ]:
        assert torch.bincount(owners, minlength=len(columns)).tolist() == units
        assert int((owners.diff() != 0).sum()) == len(columns) - 1  # the units are contiguous
    assert (layout.inputs, layout.outputs, layout.noise) == (
        len(layout.variable_of_input),
        len(layout.variable_of_output),
        len(layout.variable_of_noise),
    )


@SHARED
@given(kinds=KINDS)
def test_grouped_evaluation_is_that_of_each_column_alone(
    make_columns: MakeColumns, kinds: list[str]
) -> None:
    torch.manual_seed(0)
    layout = Layout(make_columns(kinds))
    values = draw(layout, 6)
    observed = ~values.isnan()
    parameters = torch.randn(6, layout.outputs) * 3
    noise = torch.rand(6, layout.noise, dtype=torch.float64)
    features = layout.features(values, observed)
    log_prob = layout.log_prob(parameters, values)
    draws = layout.sample(parameters, noise, 0.7)
    assert features.shape == (6, layout.inputs)
    for d in range(layout.variables):
        head, inputs, outputs, uniforms = layout.single(d)
        column = slice(d, d + 1)
        torch.testing.assert_close(
            features[:, inputs], head.features(values[:, column], observed[:, column])
        )
        torch.testing.assert_close(
            log_prob[:, column], head.log_prob(parameters[:, outputs], values[:, column])
        )
        torch.testing.assert_close(
            draws[:, column], head.sample(parameters[:, outputs], noise[:, uniforms], 0.7)
        )


def test_what_is_not_observed_leaves_no_trace(
    make_columns: MakeColumns, device: torch.device
) -> None:
    layout = Layout(make_columns(MIXED)).to(device)
    values = draw(layout, 50, device)
    observed = ~values.isnan() & (torch.rand(values.shape, device=device) < 0.5)
    features = layout.features(values, observed)
    assert features.isfinite().all()
    hidden = ~observed[:, layout.variable_of_input]
    assert not features[hidden].any()
    torch.testing.assert_close(
        features, layout.features(values.masked_fill(~observed, torch.nan), observed)
    )


def test_missing_values_leave_gradients_finite_and_alone(
    make_columns: MakeColumns, device: torch.device
) -> None:
    layout = Layout(make_columns(MIXED)).to(device)
    values = draw(layout, 50, device)
    parameters = torch.randn(50, layout.outputs, device=device, requires_grad=True)
    log_prob = layout.log_prob(parameters, values)
    assert log_prob.isfinite().all()
    known = torch.where(values.isnan(), 0.0, log_prob)
    (gradient,) = torch.autograd.grad(known.sum(), parameters)
    assert gradient.isfinite().all()
    missing = values.isnan()[:, layout.variable_of_output]
    assert not gradient[missing].any()


def test_nothing_changes_on_another_device(make_columns: MakeColumns, device: torch.device) -> None:
    here = Layout(make_columns(MIXED))
    there = here.to(device)
    assert (here.device.type, there.device.type) == ("cpu", device.type)
    assert there.variable_of_output.device.type == device.type
    values = draw(here, 20)
    parameters, noise = torch.randn(20, here.outputs), torch.rand(20, here.noise)
    log_prob = there.log_prob(parameters.to(device), values.to(device))
    torch.testing.assert_close(log_prob.cpu(), here.log_prob(parameters, values))
    draws = there.sample(parameters.double().to(device), noise.double().to(device))
    torch.testing.assert_close(
        draws.cpu(), here.sample(parameters.double(), noise.double()), rtol=1e-6, atol=1e-6
    )
    head, _, outputs, _ = there.single(3)
    assert (
        head.log_prob(parameters[:, outputs].to(device), values[:, 3:4].to(device)).isfinite().all()
    )


def test_no_rows_are_no_trouble(make_columns: MakeColumns) -> None:
    layout = Layout(make_columns(MIXED))
    values = layout.sample(torch.zeros(0, layout.outputs), torch.zeros(0, layout.noise))
    assert values.shape == (0, len(MIXED))
    assert layout.features(values, values.isnan()).shape == (0, layout.inputs)
    assert layout.log_prob(torch.zeros(0, layout.outputs), values).shape == (0, len(MIXED))


def test_initial_parameters_stand_where_the_units_of_their_column_do(
    make_columns: MakeColumns,
) -> None:
    columns = make_columns(MIXED)
    layout = Layout(columns)
    values = draw(layout, 200).double().numpy()
    parameters = layout.initial_parameters(values)
    assert parameters.shape == (layout.outputs,)
    for d, column in enumerate(columns):
        expected = column.initial_parameters(values[:, d])
        np.testing.assert_array_equal(parameters[layout.variable_of_output == d], expected)


@pytest.mark.parametrize(
    "kinds", [["b", "x"], ["c5", "c7"], ["c5", "x", "b", "c20"], ["i", "t"]], ids=str
)
def test_operations_do_not_grow_with_the_number_of_columns(
    make_columns: MakeColumns, kinds: list[str]
) -> None:
    counts = []
    for times in (1, 25):
        layout = Layout(make_columns(kinds * times))
        values = draw(layout, 2)
        parameters, noise = torch.randn(2, layout.outputs), torch.rand(2, layout.noise)
        with _CountOperations() as operations:  # type: ignore[no-untyped-call]
            layout.features(values, ~values.isnan())
            layout.log_prob(parameters, values)
            layout.sample(parameters, noise)
        counts.append(operations.count)
    assert counts[1] <= counts[0] + 40  # putting columns in order, padding: a few for each head

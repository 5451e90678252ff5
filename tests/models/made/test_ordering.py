"""Orderings are permutations, and evidence comes first without disturbing the rest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from madeira.models.made.ordering import (
    derived_first,
    evidence_first,
    natural_positions,
    random_positions,
    variables_in_order,
)
from tests.oracles.full_passes import evidence_first_positions


def test_natural_positions_are_the_columns_in_order() -> None:
    assert natural_positions(4).tolist() == [1, 2, 3, 4]


def test_random_positions_are_a_permutation() -> None:
    positions = random_positions(50, np.random.default_rng(0))
    assert sorted(positions) == list(range(1, 51))
    assert positions.tolist() != natural_positions(50).tolist()


def test_variables_in_order_inverts_positions() -> None:
    positions = random_positions(20, np.random.default_rng(1))
    assert positions[variables_in_order(positions)].tolist() == list(range(1, 21))


@given(st.data())
def test_evidence_comes_first_and_keeps_its_order(data: st.DataObject) -> None:
    variables, rows = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 5))
    positions = np.array(data.draw(st.permutations(range(1, variables + 1))))
    flags = st.lists(st.booleans(), min_size=rows * variables, max_size=rows * variables)
    observed = np.array(data.draw(flags)).reshape(rows, variables)
    orders = evidence_first(variables_in_order(positions), observed)
    for order, seen in zip(orders, observed, strict=True):
        reordered = np.argsort(order) + 1
        assert set(reordered[seen]) == set(range(1, seen.sum() + 1))
        for group in (seen, ~seen):
            assert np.array_equal(np.argsort(reordered[group]), np.argsort(positions[group]))
        assert np.array_equal(reordered, evidence_first_positions(positions, seen))


def test_one_observed_variable_can_be_put_after_all_other_evidence() -> None:
    observed = np.array([[True, True, False, True], [True, True, False, True]])
    orders = evidence_first(np.arange(4), observed, last_observed=np.array([0, 1]))
    assert orders.tolist() == [[1, 3, 0, 2], [0, 3, 1, 2]]


def test_what_is_derived_from_columns_comes_before_them() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        positions = derived_first(random_positions(7, generator), [(1, 3), (4,)])
        assert sorted(positions) == list(range(1, 8))
        assert positions[5] < min(positions[1], positions[3])
        assert positions[6] < positions[4]

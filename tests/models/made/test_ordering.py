"""Orderings are permutations, and evidence comes first without disturbing the rest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.made.ordering import (
    evidence_first,
    natural_positions,
    random_positions,
    variables_in_order,
)


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
    variables = data.draw(st.integers(1, 12))
    positions = np.array(data.draw(st.permutations(range(1, variables + 1))))
    observed = np.array(data.draw(st.lists(st.booleans(), min_size=variables, max_size=variables)))
    reordered = evidence_first(positions, observed)
    assert sorted(reordered) == list(range(1, variables + 1))
    assert set(reordered[observed]) == set(range(1, observed.sum() + 1))
    for group in (observed, ~observed):
        assert np.array_equal(np.argsort(reordered[group]), np.argsort(positions[group]))


def test_one_observed_variable_can_be_put_after_all_other_evidence() -> None:
    observed = np.array([True, True, False, True])
    reordered = evidence_first(np.array([1, 2, 3, 4]), observed, last_observed=0)
    assert reordered.tolist() == [3, 1, 4, 2]

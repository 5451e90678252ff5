"""Mixture weights maximise the likelihood of held-out rows."""

import numpy as np
import pytest
from scipy.optimize import minimize

from madeira.models.training.ensemble import mixture_weights, sparse_mixture_weights


def test_weights_recover_a_known_mixture() -> None:
    generator = np.random.default_rng(0)
    components = generator.dirichlet(np.ones(30), size=3)
    rows = generator.choice(30, size=50_000, p=np.array([0.6, 0.3, 0.1]) @ components)
    weights = mixture_weights(np.log(components[:, rows].T), floor=0.0)
    np.testing.assert_allclose(weights, [0.6, 0.3, 0.1], atol=0.02)


def test_no_weights_are_better() -> None:
    scores = np.random.default_rng(1).normal(size=(200, 3)) - 5

    def loss(logits: np.ndarray) -> float:
        log_weights = logits - np.logaddexp.reduce(logits)
        return float(-np.logaddexp.reduce(scores + log_weights, axis=1).mean())

    best = minimize(loss, np.zeros(3)).fun
    weights = mixture_weights(scores, floor=0.0, tolerance=1e-10)
    assert loss(np.log(weights)) == pytest.approx(best, abs=1e-4)


def test_a_useless_component_keeps_the_floor() -> None:
    scores = np.array([[-1.0, -200.0], [-1.0, -200.0]])
    weights = mixture_weights(scores, floor=0.01)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[1] == pytest.approx(0.005)


def test_sparse_weights_drop_what_adds_nothing_and_keep_what_must_last() -> None:
    generator = np.random.default_rng(2)
    good = generator.normal(-5, 1, size=(500, 2))
    scores = np.column_stack([good, good.min(axis=1) - 3, good.min(axis=1) - 3])
    weights = sparse_mixture_weights(scores, np.array([False, False, False, True]))
    assert weights[2] == 0
    assert 0 < weights[3] < 1e-3
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights[:2], mixture_weights(scores[:, :2]), atol=1e-2)


def test_the_best_component_stays_where_none_must() -> None:
    scores = np.tile([-1.0, -2.0], (50, 1))
    np.testing.assert_allclose(sparse_mixture_weights(scores, np.zeros(2, bool)), [1, 0])


def test_fixed_orderings_stay_beside_any_order_ones_only_where_they_gain() -> None:
    generator = np.random.default_rng(3)
    any_order = generator.normal(-5, 1, size=(400, 1))
    lasting = np.array([True, False])
    better = np.column_stack([any_order, any_order + 0.5])
    assert sparse_mixture_weights(better, lasting)[1] > 0.9
    hardly = np.column_stack([any_order, any_order + 0.02])
    np.testing.assert_allclose(sparse_mixture_weights(hardly, lasting), [1, 0])
    few = np.array([[-5.0, -4.0], [-5.0, -7.0], [-5.0, -4.5]])  # two rows of three, by chance
    np.testing.assert_allclose(sparse_mixture_weights(few, lasting), [1, 0])

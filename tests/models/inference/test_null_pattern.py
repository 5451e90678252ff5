"""Tables are drawn with the nulls they have, and values with nulls are one proper distribution."""

from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from madeira.models import DensityEstimator, FitConfig, MemberConfig, TrainingConfig
from madeira.models.inference.density import Density
from madeira.models.inference.noise import draw_noise
from madeira.models.inference.null_pattern import sample_with_nulls, with_pattern
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.made.network import MADE, MaskTensors

ROWS = 3000
SMALL = NetworkConfig((24, 24), residual=True)
MEMBERS = (
    MemberConfig(
        "any", SMALL, MaskConfig(ensemble=2), TrainingConfig(max_epochs=60, learning_rate=5e-3)
    ),
    MemberConfig("natural", SMALL, MaskConfig("natural", count=1), TrainingConfig(max_epochs=5)),
)


def passengers() -> pa.Table:
    """First-class passengers have a cabin, and its deck; ages are missing at random."""
    draw = np.random.default_rng(3)
    first = draw.random(ROWS) < 0.4
    no_cabin = draw.random(ROWS) < np.where(first, 0.1, 0.9)
    return pa.table(
        {
            "class": np.where(first, "first", "third"),
            "deck": pa.array(draw.choice(["A", "B", "C"], ROWS), mask=no_cabin),
            "side": pa.array(draw.choice(["port", "starboard"], ROWS), mask=no_cabin),
            "age": pa.array(draw.normal(30, 9, ROWS), mask=draw.random(ROWS) < 0.2),
        }
    )


@pytest.fixture(scope="module")
def fitted() -> DensityEstimator:
    return DensityEstimator(config=FitConfig(MEMBERS), seed=0).fit(passengers())


def joint_of(estimator: DensityEstimator) -> Density:
    assert estimator.density.joint is not None
    return estimator.density.joint


def test_columns_that_are_null_together_share_an_indicator(fitted: DensityEstimator) -> None:
    assert [one.of for one in fitted.schema.derived] == [(1, 2), (3,)]
    assert fitted.schema.names == ("class", "deck", "side", "age")
    assert fitted.density.variables == 4


def test_tables_are_drawn_with_their_nulls(fitted: DensityEstimator) -> None:
    drawn = fitted.sample(4000, seed=1)
    assert isinstance(drawn, pa.Table)
    first = np.array(drawn["class"].to_pylist()) == "first"
    no_deck, no_side, no_age = (drawn[name].is_null().to_numpy() for name in drawn.column_names[1:])
    assert (no_deck == no_side).all()
    assert no_age.mean() == pytest.approx(0.2, abs=0.02)
    assert no_deck[first].mean() == pytest.approx(0.1, abs=0.07)
    assert no_deck[~first].mean() == pytest.approx(0.9, abs=0.07)


def test_rows_have_no_nulls_where_none_are_wanted_or_something_is_given(
    fitted: DensityEstimator,
) -> None:
    whole = fitted.sample(200, seed=1, nulls=False)
    given = fitted.sample(200, given={"class": "third"}, seed=1)
    both = fitted.sample(200, given={"deck": "A"}, seed=1, nulls=True)
    nulls = [[column.null_count for column in drawn.columns] for drawn in (whole, given, both)]
    assert nulls[:2] == [[0, 0, 0, 0], [0, 0, 0, 0]]
    assert nulls[2][:3] == [0, 0, 0]
    assert nulls[2][3] > 0


def test_members_of_fixed_orderings_draw_rows_without_nulls() -> None:
    config = FitConfig(MEMBERS, weighing="even")
    both = DensityEstimator(config=config, seed=0).fit(passengers()).density
    members = [member for member in both.members if member.any_order]
    alone = Density(members, both.layout, np.log([0.5, 0.5]), joint=both.joint)
    assert both.joint is not None
    noise = draw_noise(2000, both.joint.noise_width, np.random.default_rng(0))
    rows, others = (
        sample_with_nulls(one, np.full((2000, 4), np.nan), noise) for one in (both, alone)
    )
    np.testing.assert_array_equal(np.isnan(rows), np.isnan(others))
    same = ((rows == others) | np.isnan(rows)).all(axis=1)
    whole = ~np.isnan(rows).any(axis=1)
    assert same[~whole].all()
    fixed = sum(
        np.exp(both.log_weights[k]) for k, one in enumerate(both.components) if not one.any_order
    )
    assert 1 - same[whole].mean() == pytest.approx(fixed, abs=0.06)


def test_rows_do_not_depend_on_how_they_are_cut(fitted: DensityEstimator) -> None:
    whole = fitted.sample(50, seed=4)
    parts = list(fitted.stream(50, seed=4, chunk_rows=7))
    assert pa.concat_tables(parts).combine_chunks().equals(whole.combine_chunks())


def test_values_and_nulls_are_one_distribution(fitted: DensityEstimator) -> None:
    """All rows of class, deck and side, null, unknown or neither: they sum to 1."""
    joint = joint_of(fitted)
    rows = np.array([(a, b, c, np.nan) for a, b, c in product(range(3), range(4), range(3))])
    gaps = np.array([(a, np.nan, np.nan, np.nan) for a in range(3)])
    total = 0.0
    for some in (rows, gaps):
        evidence = with_pattern(joint, some)
        evidence[:, -1] = np.nan  # nothing is said of the age
        total += np.exp(joint.score(evidence)).sum()
    assert total == pytest.approx(1.0, abs=1e-5)


def test_a_null_where_there_is_never_one_is_surprising(fitted: DensityEstimator) -> None:
    joint = joint_of(fitted)
    usual = with_pattern(joint, np.array([[0, np.nan, np.nan, 0.0], [1, np.nan, np.nan, 0.0]]))
    first, third = np.exp(joint.score(usual))
    assert third > 5 * first


def test_the_density_of_the_columns_is_that_of_the_whole_network(
    fitted: DensityEstimator,
) -> None:
    """Without its further units a network gives the columns what it gave them before."""
    density = fitted.density
    (name, whole), member = _network(joint_of(fitted)), density.members[0]
    assert name == member.name
    values = torch.as_tensor(fitted.schema.encode(passengers())[:40])
    hidden = torch.cat([values, torch.full((40, 2), torch.nan)], dim=1)
    nats = []
    for network, rows, mask in (
        (member.network, values, member.masks[0]),
        (whole, hidden, member.masks[0].with_derived_last(2)),
    ):
        layout, observed = network.layout, ~rows.isnan()
        tensors = MaskTensors(mask, layout, torch.device("cpu"))
        parameters = network(layout.features(rows, observed).float(), observed.float(), tensors)
        terms = layout.log_prob(parameters, rows)
        nats.append(torch.where(observed, terms, 0.0).sum(dim=1).detach().numpy())
    np.testing.assert_allclose(nats[0], nats[1], atol=1e-5)


def _network(joint: Density) -> tuple[str, MADE]:
    (member,) = joint.members
    return member.name, member.network


def test_a_saved_model_draws_the_same(fitted: DensityEstimator, tmp_path: Path) -> None:
    fitted.save(tmp_path / "1")
    again = DensityEstimator.load(tmp_path / "1")
    assert again.schema == fitted.schema
    assert again.sample(30, seed=2).equals(fitted.sample(30, seed=2))
    rows = passengers().slice(0, 50)
    np.testing.assert_array_equal(again.anomaly_score(rows), fitted.anomaly_score(rows))
    one, other = joint_of(again).calibration, joint_of(fitted).calibration
    np.testing.assert_array_equal(one.quantiles, other.quantiles)


def test_a_model_of_fixed_orderings_has_no_pattern() -> None:
    estimator = DensityEstimator(config=FitConfig(MEMBERS[1:]), seed=0).fit(passengers())
    assert estimator.schema.derived == ()
    assert estimator.density.joint is None
    assert estimator.sample(20, seed=0)["age"].null_count == 0

"""Mixtures, contributions and draws agree with what enumeration gives."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy import stats

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.columns.layout import Layout
from madeira.models.errors import OrderingError
from madeira.models.inference import engine
from madeira.models.inference.density import Density
from madeira.models.inference.member import Member
from madeira.models.inference.noise import draw_noise, noise_generator
from madeira.models.inference.walk.walk import compiled_on
from madeira.models.made import MADE, MaskConfig, MaskSource, NetworkConfig
from tests.oracles.full_passes import mask_for

MakeLayout = Callable[[str], Layout]
MakeDensity = Callable[..., Density]

DRAWS = 20_000
ROWS_OF = {"b": [0.0, 1.0], "c": [0.0, 1.0, 2.0]}  # the unknown category is never drawn


def every_row(kinds: str) -> Float64:
    return np.array(list(product(*(ROWS_OF[kind] for kind in kinds))))


def draw(
    density: Density, evidence: list[float], rows: int, seed: int = 0, temperature: float = 1.0
) -> Float64:
    noise = draw_noise(rows, density.noise_width, noise_generator(seed))
    return density.sample(np.tile(evidence, (rows, 1)), noise, temperature)


def frequencies(drawn: Float64, rows: Float64) -> Int64:
    """How often each of the rows was drawn; every draw is one of them."""
    counts: Int64 = (drawn[:, None, :] == rows[None, :, :]).all(axis=2).sum(axis=0)
    assert counts.sum() == len(drawn)
    return counts


def test_a_mixture_is_the_logsumexp_of_its_components(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("bcb"), fixed=True)
    rows = every_row("bcb")
    scores = density.component_scores(rows)
    assert scores.shape == (len(rows), 4)
    expected = np.log((np.exp(scores) * np.exp(density.log_weights)).sum(axis=1))
    np.testing.assert_allclose(density.score(rows), expected, rtol=1e-6)


def test_components_that_do_not_fit_at_once_are_scored_in_parts(
    make_layout: MakeLayout, make_density: MakeDensity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "compiled_on", lambda _: False)
    density = make_density(make_layout("bcb"), ensemble=7)
    rows = np.tile(every_row("bcb"), (5, 1))
    expected = density.component_scores(rows)
    monkeypatch.setattr(engine, "MAX_PASSED_NUMBERS", 800)
    monkeypatch.setattr(engine, "PASSED_ROWS", 8)
    np.testing.assert_allclose(density.component_scores(rows), expected, rtol=1e-6)


@pytest.mark.parametrize("kinds", ["bbbb", "bcnx", "ntf"])
def test_full_passes_say_the_same_compiled_and_in_pytorch(
    kinds: str,
    make_layout: MakeLayout,
    make_density: MakeDensity,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layout = make_layout(kinds)
    density = make_density(layout, fixed=True)
    rows = draw(density, [np.nan] * density.variables, 40)
    monkeypatch.setattr(engine, "compiled_on", lambda _: False)
    in_pytorch = Density(density.members, layout, density.log_weights).component_scores(rows)
    np.testing.assert_allclose(density.component_scores(rows), in_pytorch, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kinds", ["bbbb", "bcnx", "ntf"])
def test_few_rows_are_as_likely_as_the_same_among_many(
    kinds: str, make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    layout = make_layout(kinds)
    density = make_density(layout, fixed=True)
    rows = draw(density, [np.nan] * density.variables, 100)
    many = density.component_scores(rows)
    assert many.shape == (100, len(density.components))
    few = np.concatenate(
        [density.component_scores(rows[i : i + 7]) for i in range(0, len(rows), 7)]
    )
    apart = 0.0 if compiled_on(layout) else 1e-4
    np.testing.assert_allclose(few, many, rtol=apart, atol=apart)


@pytest.mark.parametrize("kinds", ["bbb", "bcb", "ccb"])
def test_sampled_frequencies_match_exact_probabilities(
    kinds: str, make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout(kinds), fixed=True)
    rows = every_row(kinds)
    if "c" in kinds:
        suppress_unknown(density)
    probabilities = np.exp(density.score(rows))
    counts = frequencies(draw(density, [np.nan] * len(kinds), DRAWS), rows)
    expected = probabilities / probabilities.sum() * DRAWS
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    assert stats.chisquare(counts, expected).pvalue > 1e-3


@pytest.mark.parametrize("evidence", list(product([False, True], repeat=3))[1:-1])
def test_conditional_draws_match_the_conditional_by_enumeration(
    evidence: tuple[bool, ...], make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("bcb"))
    suppress_unknown(density)
    rows = every_row("bcb")
    known = np.array(evidence)
    given = np.where(known, [1.0, 2.0, 0.0], np.nan)
    rows = rows[(rows[:, known] == given[known]).all(axis=1)]
    counts = frequencies(draw(density, list(given), DRAWS), rows)
    expected = conditional_by_enumeration(density, rows, known)
    assert expected.sum() == pytest.approx(1.0, abs=1e-5)
    assert stats.chisquare(counts, expected / expected.sum() * DRAWS).pvalue > 1e-3


def conditional_by_enumeration(density: Density, rows: Float64, known: Bool) -> Float64:
    """p(missing | evidence) of the mixture whose orderings all put the evidence first."""
    log_joint = []
    for component, log_weight in zip(density.components, density.log_weights, strict=True):
        mask = mask_for(component, known)
        assert mask is not None
        one = Member("one", density.members[component.member].network, (mask,), any_order=False)
        log_joint.append(log_weight + Density([one], density.layout, np.zeros(1)).score(rows))
    joint = np.exp(log_joint).sum(axis=0)
    evidence = np.exp(density.score(np.where(known, rows[:1], np.nan)))
    return np.asarray(joint / evidence)


def suppress_unknown(density: Density) -> None:
    """Take all mass from the unknown category, which is not drawn."""
    columns = density.layout.columns
    for member in density.members:
        for variable, column in enumerate(columns):
            if column.unknown_code is not None:
                _, _, outputs, _ = density.layout.single(variable)
                unknown = outputs.start + int(column.unknown_code)
                for name, parameter in member.network.named_parameters():
                    if name in ("output_weight", "direct_weight"):
                        parameter.data[unknown] = 0
                member.network.output_bias.data[unknown] = -100.0


def test_observed_values_come_back_untouched(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("xbcx"))
    generator = np.random.default_rng(0)
    rows = np.column_stack(
        [
            generator.normal(size=40),
            generator.integers(0, 2, 40),
            generator.integers(0, 4, 40),
            generator.normal(size=40),
        ]
    )
    rows[generator.random(rows.shape) < 0.4] = np.nan
    noise = draw_noise(len(rows), density.noise_width, noise_generator(1))
    filled = density.sample(rows, noise)
    known = ~np.isnan(rows)
    assert np.array_equal(filled[known], rows[known])
    assert not np.isnan(filled).any()


def test_a_row_does_not_depend_on_what_shares_its_batch(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("bcxb"), fixed=True)
    generator = np.random.default_rng(2)
    rows = np.column_stack(
        [
            generator.integers(0, 2, 30),
            generator.integers(0, 3, 30),
            generator.normal(size=30),
            generator.integers(0, 2, 30),
        ]
    ).astype(float)
    rows[generator.random(rows.shape) < 0.4] = np.nan
    noise = draw_noise(len(rows), density.noise_width, noise_generator(3))
    together, scores = density.sample(rows, noise), density.score(rows)
    for row in range(len(rows)):
        alone = slice(row, row + 1)
        np.testing.assert_allclose(density.score(rows[alone]), scores[alone], atol=1e-4)
        np.testing.assert_allclose(
            density.sample(rows[alone], noise[alone]), together[alone], atol=1e-4
        )


def test_contributions_are_conditionals_given_everything_else_observed(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("bcb"))
    row = np.array([[1.0, 2.0, np.nan]])
    observed = ~np.isnan(row[0])
    surprise = density.contributions(row)
    assert np.isnan(surprise[0, 2])
    for variable in (0, 1):
        joint, others = 0.0, 0.0
        for component, log_weight in zip(density.components, density.log_weights, strict=True):
            mask = mask_for(component, observed, last_observed=variable)
            assert mask is not None
            member = density.members[component.member]
            one = Density(
                [Member("one", member.network, (mask,), any_order=False)],
                density.layout,
                np.zeros(1),
            )
            without = row.copy()
            without[0, variable] = np.nan
            joint += np.exp(log_weight + one.score(row)[0])
            others += np.exp(log_weight + one.score(without)[0])
        assert surprise[0, variable] == pytest.approx(-np.log(joint / others), abs=1e-5)


def test_contributions_normalise_over_the_values_of_their_column(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("bcb"))
    rows = np.array([[1.0, code, 0.0] for code in range(4)])
    assert np.exp(-density.contributions(rows)[:, 1]).sum() == pytest.approx(1.0, abs=1e-5)


def test_low_temperature_draws_the_most_likely_value(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("b"), ensemble=1)
    probabilities = np.exp(density.score(np.array([[0.0], [1.0]])))
    cold = draw(density, [np.nan], 500, temperature=0.02)
    assert (cold == probabilities.argmax()).mean() > 0.99
    hot = draw(density, [np.nan], 4000, temperature=50.0)
    assert hot.mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("within_range", [False, True])
def test_a_temperature_near_zero_draws_finite_values(
    make_layout: MakeLayout, make_density: MakeDensity, within_range: bool
) -> None:
    density = make_density(make_layout("bcfxnt"))
    noise = draw_noise(50, density.noise_width, np.random.default_rng(0))
    drawn = density.sample(np.full((50, 6), np.nan), noise, 5e-324, within_range)
    assert np.isfinite(drawn).all()


def test_a_conditional_is_one_number_beside_a_member_of_a_fixed_ordering(
    make_layout: MakeLayout, make_network: Callable[..., MADE]
) -> None:
    layout, config = make_layout("bcb"), NetworkConfig((8,))
    members = []
    for seed, masks in enumerate((MaskConfig(ensemble=3), MaskConfig("natural", count=1))):
        source = MaskSource(config, masks, 3, seed)
        network = make_network(layout, config, seed=seed)
        members.append(Member(f"m{seed}", network, source.answering, masks.any_order))
    density = Density(members, layout, np.log([0.1, 0.1, 0.1, 0.7]))
    row = np.array([[1.0, 2.0, 0.0]])
    given = row.copy()
    given[0, 2] = np.nan  # the fixed ordering could answer this one
    (cells,) = density.predictive(given)
    probability = cells.probability(np.zeros(1))[0]
    assert np.exp(-density.contributions(row)[0, 2]) == pytest.approx(probability, abs=1e-6)
    noise = draw_noise(20_000, density.noise_width, np.random.default_rng(0))
    drawn = density.sample(np.repeat(given, 20_000, axis=0), noise)
    assert (drawn[:, 2] == 0).mean() == pytest.approx(probability, abs=0.015)


def test_evidence_that_no_fixed_ordering_puts_first_is_refused(
    make_layout: MakeLayout, make_network: Callable[..., MADE]
) -> None:
    layout = make_layout("bbb")
    config = NetworkConfig((6,))
    source = MaskSource(config, MaskConfig("natural", "even", count=1), 3, seed=0)
    member = Member("fixed", make_network(layout, config), source.answering, any_order=False)
    density = Density([member], layout, np.zeros(1))
    prefix = np.array([[1.0, np.nan, np.nan]])
    assert np.isfinite(density.score(prefix)).all()
    with pytest.raises(OrderingError, match="any-order member"):
        density.score(np.array([[np.nan, 1.0, 1.0]]))

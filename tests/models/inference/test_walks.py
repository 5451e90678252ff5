"""The fast paths give what a full pass for every variable gives: on any network, in any order."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madeira.models.arrays import Float64
from madeira.models.columns.layout import Layout
from madeira.models.inference import Density, Member, draw_noise, noise_generator
from madeira.models.inference.walk.torch_walk import TorchWalk
from madeira.models.made import MADE, MaskConfig, MaskSource, NetworkConfig
from tests.oracles.full_passes import FullPasses

MakeLayout = Callable[[str], Layout]
MakeNetwork = Callable[..., MADE]

LOG_LIKELIHOOD_NATS = 1e-4
THRESHOLD = 1e-5
RARE_ROWS = 0.01

several = settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)

networks = st.builds(
    NetworkConfig,
    hidden=st.sampled_from([(), (7,), (13, 13), (9, 14, 5), (40, 40)]),
    activation=st.sampled_from(["relu", "softplus", "tanh"]),
    conditioning=st.booleans(),
    direct=st.booleans(),
) | st.builds(
    NetworkConfig,
    hidden=st.sampled_from([(11, 11), (24, 24, 24)]),
    residual=st.just(True),
    activation=st.sampled_from(["relu", "tanh"]),
)
masks = st.sampled_from(
    [
        [MaskConfig("sampled", "sampled", count=None, ensemble=2)],
        [MaskConfig("sampled", "even", count=None, ensemble=1)],
        [MaskConfig("sampled", "even", count=None, ensemble=2), MaskConfig("natural", count=1)],
        [MaskConfig("sampled", "even", ensemble=1), MaskConfig("random", "sampled", count=2)],
    ]
)


@pytest.fixture(params=["own", "torch"])
def make_pair(
    make_layout: MakeLayout,
    make_network: MakeNetwork,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Callable[..., tuple[Density, FullPasses]]:
    """Return the density under test and its oracle, with the device's walk and PyTorch's."""
    if request.param == "torch":
        monkeypatch.setattr("madeira.models.inference.engine.walk_on", TorchWalk)

    def make(
        kinds: str, config: NetworkConfig, mixture: list[MaskConfig], seed: int
    ) -> tuple[Density, FullPasses]:
        layout = make_layout(kinds)
        members = []
        for index, mask in enumerate(mixture):
            source = MaskSource(config, mask, layout.variables, seed + index)
            network = make_network(layout, config, scale=0.4, seed=seed + index)
            members.append(Member(f"m{index}", network, source.answering, mask.any_order))
        count = sum(len(member.masks) for member in members)
        log_weights = np.log(np.random.default_rng(seed).dirichlet(np.ones(count)))
        return Density(members, layout, log_weights), FullPasses(members, layout, log_weights)

    return make


MakePair = Callable[[str, NetworkConfig, list[MaskConfig], int], tuple[Density, FullPasses]]


def random_rows(kinds: str, rows: int, missing: float, seed: int) -> Float64:
    generator = np.random.default_rng(seed)
    draw: dict[str, Callable[[], npt.NDArray[np.generic]]] = {
        "b": lambda: generator.integers(0, 2, rows),
        "c": lambda: generator.integers(0, 4, rows),
        "f": lambda: generator.integers(0, 8, rows),
        "x": lambda: generator.normal(size=rows) * 2,
        "n": lambda: np.maximum(generator.integers(-6, 15, rows), -2),
        "t": lambda: generator.normal(size=rows) * 2,
    }
    values = np.column_stack([draw[kind]() for kind in kinds]).astype(np.float64)
    values[generator.random(values.shape) < missing] = np.nan
    return values


@several
@given(
    kinds=st.text("bcfxnt", min_size=1, max_size=9),
    config=networks,
    mixture=masks,
    missing=st.sampled_from([0.0, 0.3, 0.9]),
    seed=st.integers(0, 1000),
)
def test_scores_and_contributions_are_those_of_full_passes(
    make_pair: MakePair,
    kinds: str,
    config: NetworkConfig,
    mixture: list[MaskConfig],
    missing: float,
    seed: int,
) -> None:
    density, oracle = make_pair(kinds, config, mixture, seed)
    rows = random_rows(kinds, 12, missing, seed)
    np.testing.assert_allclose(
        density.score(rows), oracle.score(rows), rtol=1e-6, atol=LOG_LIKELIHOOD_NATS
    )
    np.testing.assert_allclose(
        density.contributions(rows[:4]),
        oracle.contributions(rows[:4]),
        rtol=1e-5,
        atol=LOG_LIKELIHOOD_NATS,
    )


@several
@given(
    kinds=st.text("bcfxnt", min_size=1, max_size=9),
    config=networks,
    mixture=masks,
    missing=st.sampled_from([0.3, 0.7, 1.0]),
    temperature=st.sampled_from([1.0, 0.5, 2.0]),
    within_range=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_draws_are_those_of_full_passes_on_the_same_noise(
    make_pair: MakePair,
    kinds: str,
    config: NetworkConfig,
    mixture: list[MaskConfig],
    missing: float,
    temperature: float,
    within_range: bool,
    seed: int,
) -> None:
    density, oracle = make_pair(kinds, config, mixture, seed)
    rows = random_rows(kinds, 40, missing, seed)
    noise = draw_noise(len(rows), density.noise_width, noise_generator(seed))
    drawn = density.sample(rows, noise, temperature, within_range)
    expected = oracle.sample(rows, noise, temperature, within_range)
    differing = ~np.isclose(drawn, expected, rtol=1e-3, atol=1e-3).all(axis=1)
    for row in np.flatnonzero(differing):
        assert on_a_threshold(oracle, rows[row], noise[row], temperature, within_range, drawn[row])


def on_a_threshold(
    oracle: FullPasses,
    row: Float64,
    noise: Float64,
    temperature: float,
    within_range: bool,
    drawn: Float64,
) -> bool:
    """Whether noise a hair away gives the same row: its draw sits on a threshold."""
    moved = np.stack([noise - THRESHOLD, noise + THRESHOLD])
    moved = np.clip(moved, 1e-12, 1 - 1e-12)
    moved = oracle.sample(np.stack([row, row]), moved, temperature, within_range)
    return bool(np.isclose(moved, drawn, rtol=1e-2, atol=1e-2).all(axis=1).any())


def test_rows_beyond_a_tile_or_a_thread_change_nothing(
    make_pair: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    density, _ = make_pair("bcxbbxcb", NetworkConfig((20, 20)), [MaskConfig(ensemble=2)], 4)
    rows = random_rows("bcxbbxcb", 150, 0.4, 5)
    rows[:50] = rows[0]
    noise = draw_noise(len(rows), density.noise_width, noise_generator(6))
    alone_scores = np.concatenate([density.score(rows[i : i + 1]) for i in range(len(rows))])
    alone_draws = np.concatenate(
        [density.sample(rows[i : i + 1], noise[i : i + 1]) for i in range(len(rows))]
    )
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    np.testing.assert_allclose(density.score(rows), alone_scores, atol=1e-5)
    different = ~np.isclose(density.sample(rows, noise), alone_draws, atol=1e-4).all(axis=1)
    assert different.mean() <= RARE_ROWS


def test_noise_that_cannot_be_written_to_serves_as_well(make_pair: MakePair) -> None:
    density, _ = make_pair("bcx", NetworkConfig((8,)), [MaskConfig(ensemble=1)], 0)
    noise = draw_noise(5, density.noise_width, noise_generator(0))
    locked = noise.copy()
    locked.flags.writeable = False
    nothing = np.full((5, 3), np.nan)
    nothing.flags.writeable = False
    assert np.array_equal(density.sample(nothing, locked), density.sample(nothing, noise))

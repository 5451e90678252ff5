"""What a row gives depends on the row alone, to the last bit."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from madeira.models.columns.layout import Layout
from madeira.models.inference import Density, Member, draw_noise, impute, noise_generator
from madeira.models.inference.walk.walk import compiled_on
from madeira.models.made import MADE, MaskConfig, MaskSource, NetworkConfig
from madeira.models.schema.schema import Schema

MakeLayout = Callable[[str], Layout]
MakeNetwork = Callable[..., MADE]

NETWORKS = {
    "residual": NetworkConfig(hidden=(45, 45), residual=True),
    "three widths": NetworkConfig(hidden=(70, 19, 33), activation="softplus"),
    "bare": NetworkConfig(hidden=(37,), activation="tanh", conditioning=False, direct=False),
    "direct": NetworkConfig(hidden=()),
    "independent": NetworkConfig(hidden=(), direct=False),
}
ROWS = 90

Answers = list[np.ndarray]


def density_of(make_network: MakeNetwork, layout: Layout, config: NetworkConfig) -> Density:
    settings = [
        MaskConfig("sampled", "sampled", ensemble=2),
        MaskConfig("natural", "even", count=1),
    ]
    members = []
    for index, masks in enumerate(settings):
        source = MaskSource(config, masks, layout.variables, index)
        network = make_network(layout, config, scale=0.3, seed=index)
        members.append(Member(f"m{index}", network, source.answering, masks.any_order))
    weights = np.log(np.full(sum(len(member.masks) for member in members), 1 / 3))
    return Density(members, layout, weights)


def gappy(density: Density, complete: np.ndarray) -> np.ndarray:
    """Rows with gaps of their own, of one pattern, without gaps and of gaps alone."""
    generator = np.random.default_rng(0)
    values = np.where(generator.random(complete.shape) < 0.4, np.nan, complete)
    shared = np.arange(density.variables) % 2 == 0
    values[10:50] = np.where(shared, complete[10:50], np.nan)
    values[50:60] = complete[50:60]
    values[60:63] = np.nan
    return values


def answers(
    density: Density, values: np.ndarray, complete: np.ndarray, noise: np.ndarray
) -> Answers:
    """All that is ever answered of rows, each row first."""
    nothing = np.full(values.shape, np.nan)
    found = [
        density.score(values),
        density.score(complete),
        density.anomaly_score(values),
        density.contributions(values),
        density.sample(nothing, noise),
        density.sample(nothing, noise, 0.5, True),
        density.sample(values, noise),
    ]
    for estimate, within in product(("draw", "mean", "median", "mode"), (False, True)):
        filled = impute(density, values, noise[:, None], 1, estimate, within)  # type: ignore[arg-type]
        found += [filled.draws[0], filled.probability, filled.lower, filled.upper]
    return found


def assert_same_bits(found: Answers, expected: Answers, rows: np.ndarray) -> None:
    for one, other in zip(found, expected, strict=True):
        bits = np.ascontiguousarray(one).view(np.int64)
        assert np.array_equal(bits, np.ascontiguousarray(other[rows]).view(np.int64))


@pytest.fixture
def device() -> torch.device:
    """Compiled code is that of the CPU."""
    return torch.device("cpu")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("kinds", ["bcfxntbn", "bbbbbbbbbbbbb"])
def test_a_row_gives_the_same_bits_beside_any_others(
    network: str, kinds: str, make_layout: MakeLayout, make_network: MakeNetwork
) -> None:
    layout = make_layout(kinds)
    assert compiled_on(layout)
    density = density_of(make_network, layout, NETWORKS[network])
    noise = draw_noise(ROWS, density.noise_width, noise_generator(1))
    complete = density.sample(np.full((ROWS, density.variables), np.nan), noise)
    values = gappy(density, complete)
    whole = answers(density, values, complete, noise)

    @settings(max_examples=8, deadline=None)
    @given(st.data())
    def some(data: st.DataObject) -> None:
        size = data.draw(st.sampled_from([1, 2, 3, 4, 5, 31, 32, 33, 63, ROWS]))
        seed = data.draw(st.integers(0, 1000))
        rows = np.random.default_rng(seed).permutation(ROWS)[:size]
        threads = data.draw(st.sampled_from([1, 2, 3]))
        # Other calls have met other patterns: what is kept of them changes nothing.
        fresh = Density(density.members, layout, density.log_weights)
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            found = answers(fresh, values[rows], complete[rows], noise[rows])
        finally:
            torch.set_num_threads(before)
        assert_same_bits(found, whole, rows)

    some()


def test_a_row_decodes_alike_beside_any_others(
    make_layout: MakeLayout, make_network: MakeNetwork
) -> None:
    layout = make_layout("xnt")
    density = density_of(make_network, layout, NETWORKS["residual"])
    schema = Schema(layout.columns)
    noise = draw_noise(ROWS, density.noise_width, noise_generator(2))
    whole = schema.decode(density.sample(np.full((ROWS, 3), np.nan), noise))
    for size in (1, 7, 32):
        for start in range(0, ROWS, size):
            part = noise[start : start + size]
            rows = density.sample(np.full((len(part), 3), np.nan), part)
            assert schema.decode(rows).equals(whole.slice(start, size))

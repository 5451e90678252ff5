"""Degrees lie where units can see and be seen; masks repeat from their seed."""

from itertools import islice, product

import numpy as np
import pytest

from madeira.models.errors import ConfigError
from madeira.models.made import MaskConfig, MaskSource, NetworkConfig, sample_mask
from madeira.models.made.mask_statistics import MaskStatistics
from madeira.models.made.masks import entropy_degrees, even_degrees


@pytest.mark.parametrize(("width", "variables"), [(1, 5), (4, 5), (7, 3), (512, 784), (3, 2)])
def test_even_degrees_ascend_within_bounds(width: int, variables: int) -> None:
    degrees = even_degrees(width, variables)
    assert len(degrees) == width
    assert degrees.min() >= 1
    assert degrees.max() <= variables - 1
    assert (np.diff(degrees) >= 0).all()


def test_even_degrees_use_every_degree_equally() -> None:
    assert np.bincount(even_degrees(12, 5)).tolist() == [0, 3, 3, 3, 3]


def test_a_single_variable_gives_units_that_see_nothing() -> None:
    mask = sample_mask(
        NetworkConfig((4,)), MaskConfig(degrees="sampled"), 1, np.random.default_rng(0)
    )
    assert mask.degrees[0].tolist() == [0, 0, 0, 0]


def test_sampled_degrees_are_never_below_the_lowest_of_the_layer_before() -> None:
    config, masks = NetworkConfig((3, 200)), MaskConfig(degrees="sampled")
    for seed in range(20):
        first, second = sample_mask(config, masks, 50, np.random.default_rng(seed)).degrees
        assert second.min() >= first.min()


def test_residual_layers_share_their_degrees() -> None:
    config = NetworkConfig((16, 16, 16), residual=True)
    mask = sample_mask(config, MaskConfig(degrees="sampled"), 9, np.random.default_rng(0))
    assert all(np.array_equal(mask.degrees[0], layer) for layer in mask.degrees)


@pytest.mark.parametrize(
    ("ordering", "degrees", "count"),
    list(product(["natural", "random", "sampled"], ["even", "sampled"], [1, 3, None])),
)
def test_masks_follow_from_the_seed_and_the_settings(
    ordering: str, degrees: str, count: int | None
) -> None:
    config = MaskConfig(ordering, degrees, count, ensemble=4)  # type: ignore[arg-type]
    first, second = (MaskSource(NetworkConfig((8,)), config, 6, seed=5) for _ in range(2))
    trained = list(islice(first.training(), 12))
    for one, other in zip(trained, islice(second.training(), 12), strict=True):
        assert np.array_equal(one.positions, other.positions)
        assert np.array_equal(one.degrees[0], other.degrees[0])
    assert len(first.answering) == (count or 4)
    orderings = {mask.positions.tobytes() for mask in trained}
    if ordering == "natural":
        assert orderings == {np.arange(1, 7).tobytes()}
    elif ordering == "random" or count == 1:
        assert len(orderings) == 1
    else:
        assert len(orderings) == min(count or 12, 12)
    if count is not None:
        assert all(mask is first.answering[step % count] for step, mask in enumerate(trained))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, "count"),
        ({"ensemble": 0}, "ensemble"),
        ({"ordering": "backwards"}, "ordering must be one of natural, random, smooth, sampled"),
        ({"degrees": "odd"}, "degrees"),
        ({"reach": 0, "count": 1}, "reach must be at least 1, and count 1: 0, 1"),
        ({"reach": 3, "count": 2}, "reach must be at least 1, and count 1: 3, 2"),
        ({"reach": 3}, "reach must be at least 1, and count 1: 3, None"),
    ],
)
def test_impossible_mask_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MaskConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": (0,)}, "positive"),
        ({"hidden": (8, 9), "residual": True}, "one width"),
        ({"activation": "sigmoid"}, "relu, softplus, tanh"),
    ],
)
def test_impossible_network_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        NetworkConfig(**settings)  # type: ignore[arg-type]


def test_settings_survive_json() -> None:
    network, masks = NetworkConfig((8, 8), residual=True), MaskConfig("random", count=2)
    assert NetworkConfig.from_json(network.to_json()) == network
    assert MaskConfig.from_json(masks.to_json()) == masks


def test_settings_that_do_not_exist_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="NetworkConfig has no setting 'depth'"):
        NetworkConfig.from_json({"depth": 3})


@pytest.mark.parametrize("ordering", ["random", "sampled"])
@pytest.mark.parametrize("count", [3, None])
def test_lower_tiers_come_first_in_every_answering_ordering(
    ordering: str, count: int | None
) -> None:
    config = MaskConfig(ordering, count=count, ensemble=6)  # type: ignore[arg-type]
    missingness_tiers = np.array([2, 0, 1, 0, 0, 2, 0, 1])
    source = MaskSource(
        NetworkConfig((8,)), config, 8, seed=1, statistics=MaskStatistics(missingness_tiers)
    )
    for mask in source.answering:
        assert (np.diff(missingness_tiers[np.argsort(mask.positions)]) >= 0).all()
    fresh = list(islice(source.training(), 20))
    tiered = all(
        (np.diff(missingness_tiers[np.argsort(mask.positions)]) >= 0).all() for mask in fresh
    )
    assert tiered == (count is not None or ordering == "random")


def test_degrees_by_entropy_stand_before_what_varies() -> None:
    entropies = np.array([0.5, 0.0, 1.0, 0.0, 1.5])
    config = MaskConfig("random", "entropy", count=2)
    statistics = MaskStatistics(np.zeros(5, dtype=np.int64), entropies)
    source = MaskSource(NetworkConfig((600, 12)), config, 5, seed=4, statistics=statistics)
    for mask in source.answering:
        in_order = entropies[np.argsort(mask.positions)]
        shares = np.bincount(mask.degrees[0], minlength=5) / 600
        # Units before the first variable would see nothing: they are of degree one.
        expected = np.append(in_order[0] + in_order[1], in_order[2:]) / 3
        assert shares[1:] == pytest.approx(expected, abs=0.01)
        assert len(mask.degrees[1]) == 12
        assert (np.diff(mask.degrees[1]) >= 0).all()


@pytest.mark.parametrize("variables", [1, 2, 5])
def test_degrees_by_entropy_of_constants_are_even(variables: int) -> None:
    degrees = entropy_degrees(7, np.zeros(variables))
    assert degrees.tolist() == even_degrees(7, variables).tolist()


def test_an_any_order_network_cannot_place_its_degrees_by_one_ordering() -> None:
    with pytest.raises(ConfigError, match="need orderings that are fixed"):
        MaskConfig("sampled", "entropy", count=None)


def test_smooth_orderings_sweep_over_the_coordinates() -> None:
    row, column = np.divmod(np.arange(36), 6)
    place = np.stack([row, column], axis=1).astype(float)
    place[7] = np.nan
    statistics = MaskStatistics(np.zeros(36, dtype=np.int64), coordinates=place)
    config = MaskConfig("smooth", "even", count=3)
    orderings = set()
    for seed in range(5):
        source = MaskSource(NetworkConfig((8,)), config, 36, seed, statistics)
        assert len({tuple(mask.positions) for mask in source.answering}) == 1
        positions = source.answering[0].positions
        assert sorted(positions) == list(range(1, 37))
        assert positions[7] == 36
        plane = np.column_stack([place, np.ones(36)])[np.arange(36) != 7]
        others = positions[np.arange(36) != 7].astype(float)
        fitted = plane @ np.linalg.lstsq(plane, others, rcond=None)[0]
        assert np.corrcoef(fitted, others)[0, 1] > 0.95
        orderings.add(tuple(positions))
    assert len(orderings) == 5


def test_a_share_of_the_training_masks_are_those_that_answer() -> None:
    config = MaskConfig(ensemble=3, answering_share=0.4)
    source = MaskSource(NetworkConfig((8,)), config, 20, seed=1)
    answering = {id(mask) for mask in source.answering}
    drawn = [id(mask) for mask in islice(source.training(), 2000) if id(mask) in answering]
    assert set(drawn) == answering
    assert 0.35 < len(drawn) / 2000 < 0.45


def test_a_share_of_all_training_masks_would_leave_no_other_ordering() -> None:
    with pytest.raises(ConfigError, match="answering_share must be in"):
        MaskConfig(answering_share=1.0)

"""Training finds the distribution it is shown, repeats from its seed, and can be stopped."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from madeira.models.arrays import Float64
from madeira.models.columns.layout import Layout
from madeira.models.errors import TrainingError
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.schema.schema import Schema
from madeira.models.training import FitConfig, Fitted, MemberConfig, Progress, TrainingConfig, fit
from madeira.models.training.config import Weighing

NETWORK = NetworkConfig(hidden=(24, 24), residual=True)
QUICK = TrainingConfig(max_epochs=3, patience_epochs=3, batch_rows=64)
THOROUGH = TrainingConfig(max_epochs=60, patience_epochs=15, batch_rows=128, averaging=0.99)


def config(training: TrainingConfig = QUICK, **masks: object) -> FitConfig:
    settings = MaskConfig(**{"ensemble": 4, **masks})  # type: ignore[arg-type]
    return FitConfig((MemberConfig("one", NETWORK, settings, training),))


def layout(variables: int) -> Layout:
    table = pa.table({f"v{index}": [True, False] for index in range(variables)})
    return Layout(Schema.infer(table).columns)


def noisy_copies(rows: int, seed: int = 0) -> Float64:
    """Return a fair coin, a copy that is wrong one time in ten, and a like copy of the copy."""
    generator = np.random.default_rng(seed)
    first = generator.random(rows) < 0.5
    second = first ^ (generator.random(rows) < 0.1)
    third = second ^ (generator.random(rows) < 0.1)
    return np.column_stack([first, second, third]).astype(float)


def exact_probability(rows: Float64) -> Float64:
    same = (np.diff(rows, axis=1) == 0).astype(float)
    return np.asarray(0.5 * np.prod(np.where(same == 1, 0.9, 0.1), axis=1))


EVERY_ROW = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).T.reshape(-1, 3).astype(float)


def divergence(fitted: Fitted) -> float:
    """Kullback-Leibler divergence from the exact distribution, in nats."""
    exact = exact_probability(EVERY_ROW)
    return float((exact * (np.log(exact) - fitted.density.score(EVERY_ROW))).sum())


@pytest.mark.parametrize(
    "masks",
    [
        {"ordering": "natural", "degrees": "even", "count": 1},
        {"ordering": "random", "degrees": "sampled", "count": 1},
        {"ordering": "sampled", "degrees": "sampled", "count": 4},
        {"ordering": "natural", "degrees": "sampled", "count": None},
        {"ordering": "sampled", "degrees": "even", "count": None},
    ],
    ids=["plain", "random", "mask sampling", "fresh degrees", "order-agnostic"],
)
def test_every_kind_of_mask_learns_the_distribution(masks: dict[str, object]) -> None:
    fitted = fit(noisy_copies(4000), layout(3), config(THOROUGH, **masks))
    assert divergence(fitted) < 0.01


@pytest.mark.parametrize(
    "training",
    [
        replace(THOROUGH, optimizer="adadelta"),
        replace(THOROUGH, schedule="cosine"),
        replace(THOROUGH, schedule="constant", averaging=0.0, gradient_clip=None),
        replace(THOROUGH, dropout=0.1, input_dropout=0.01),
        replace(THOROUGH, masks_per_batch=4),
    ],
    ids=["adadelta", "cosine", "unaveraged", "dropout", "several masks"],
)
def test_every_way_of_training_learns_the_distribution(training: TrainingConfig) -> None:
    fitted = fit(noisy_copies(4000), layout(3), config(training))
    assert divergence(fitted) < 0.02


def test_rows_with_nulls_recover_the_distribution_when_missing_at_random() -> None:
    """The third value is mostly missing where the first is 1: complete rows would mislead."""
    rows = noisy_copies(12_000)
    missing = np.random.default_rng(1).random(len(rows)) < np.where(rows[:, 0] == 1, 0.8, 0.1)
    rows[missing, 2] = np.nan
    fitted = fit(rows, layout(3), config(THOROUGH))
    assert divergence(fitted) < 0.01
    complete = rows[~np.isnan(rows).any(axis=1)]
    assert complete[:, 0].mean() < 0.25
    first = fitted.density.score(np.array([[1.0, np.nan, np.nan]]))
    assert np.exp(first)[0] == pytest.approx(0.5, abs=0.03)


def test_conditionals_of_a_trained_model_are_those_of_its_table() -> None:
    rows = noisy_copies(8000)
    fitted = fit(rows, layout(3), config(THOROUGH))
    both = fitted.density.score(np.array([[1.0, np.nan, 1.0]]))
    ends = fitted.density.score(np.array([[1.0, np.nan, np.nan]]))
    expected = rows[rows[:, 0] == 1, 2].mean()
    assert np.exp(both - ends)[0] == pytest.approx(expected, abs=0.02)


def test_a_run_on_the_cpu_repeats_from_its_seed() -> None:
    rows = noisy_copies(500)
    one, two, other = (
        fit(rows, layout(3), config(replace(QUICK, dropout=0.2)), seed=seed) for seed in (3, 3, 4)
    )
    for parameter, same, different in zip(
        *(run.density.members[0].network.parameters() for run in (one, two, other)), strict=True
    ):
        assert torch.equal(parameter, same)
        assert not torch.equal(parameter, different)
    assert one.members[0].curve.valid == two.members[0].curve.valid


def test_training_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    fit(noisy_copies(100), layout(3), config())
    assert torch.equal(torch.rand(3), expected)


def test_early_stopping_takes_the_weights_of_the_best_epoch() -> None:
    values = np.random.default_rng(0).integers(0, 2, (40, 3)).astype(float)
    training = TrainingConfig(max_epochs=200, patience_epochs=5, learning_rate=0.05, batch_rows=8)
    fitted = fit(values, layout(3), config(training))
    curve = fitted.members[0].curve
    assert len(curve.valid) < 200
    assert len(curve.valid) - curve.best_epoch == 5
    assert max(curve.valid) == curve.valid[curve.best_epoch - 1]


def test_an_interrupt_keeps_the_best_so_far() -> None:
    seen: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 2:
            raise KeyboardInterrupt

    fitted = fit(noisy_copies(500), layout(3), config(THOROUGH), on_epoch=interrupt)
    assert fitted.interrupted
    assert len(fitted.members[0].curve.valid) == 2
    assert np.isfinite(fitted.density.score(EVERY_ROW)).all()
    assert fitted.valid_nats == pytest.approx(max(fitted.members[0].curve.valid), abs=0.1)


def test_an_interrupt_before_the_first_epoch_has_nothing_to_keep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("madeira.models.training.loop.nn.utils.clip_grad_norm_", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(noisy_copies(500), layout(3), config())


def test_an_interrupt_of_the_second_member_keeps_the_first() -> None:
    members = tuple(MemberConfig(name, NETWORK, MaskConfig(ensemble=2), QUICK) for name in "ab")

    def interrupt(progress: Progress) -> None:
        if progress.member == 1:
            raise KeyboardInterrupt

    fitted = fit(noisy_copies(300), layout(3), FitConfig(members), on_epoch=interrupt)
    assert fitted.interrupted
    assert len(fitted.density.members) == 2
    assert len(fitted.members[1].curve.valid) == 1


@pytest.mark.parametrize("phase", ["weighing", "calibrating", "measuring"])
def test_an_interrupt_after_the_training_loses_nothing(phase: str) -> None:
    seen: list[str] = []

    def interrupt(begun: str) -> None:
        seen.append(begun)
        if seen.count(phase) == 1 and begun == phase:
            raise KeyboardInterrupt

    whole = fit(noisy_copies(300), layout(3), config())
    fitted = fit(noisy_copies(300), layout(3), config(), on_phase=interrupt)
    assert seen[-1] == "measuring"
    assert len(fitted.members[0].curve.valid) == QUICK.max_epochs
    np.testing.assert_array_equal(fitted.density.score(EVERY_ROW), whole.density.score(EVERY_ROW))


def test_who_interrupts_twice_after_the_training_gives_it_up() -> None:
    def interrupt(phase: str) -> None:
        if phase == "calibrating":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(noisy_copies(300), layout(3), config(), on_phase=interrupt)


def test_an_interrupt_while_the_best_weights_are_put_back_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_back = torch.nn.Module.load_state_dict
    calls: list[int] = []

    def interrupted(self: torch.nn.Module, *given: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return put_back(self, *given, **named)  # type: ignore[arg-type]

    whole = fit(noisy_copies(300), layout(3), config())
    monkeypatch.setattr(torch.nn.Module, "load_state_dict", interrupted)
    fitted = fit(noisy_copies(300), layout(3), config())
    assert fitted.interrupted
    np.testing.assert_array_equal(fitted.density.score(EVERY_ROW), whole.density.score(EVERY_ROW))


def test_a_member_that_adds_nothing_is_left_out_and_reported() -> None:
    dull = MaskConfig("natural", "even", count=1)
    members = (
        MemberConfig("one", NETWORK, MaskConfig(ensemble=2), THOROUGH),
        MemberConfig("untrained", NETWORK, dull, replace(QUICK, max_epochs=1, learning_rate=1e-9)),
    )
    fitted = fit(noisy_copies(2000), layout(3), FitConfig(members))
    assert [member.name for member in fitted.density.members] == ["one"]
    one, untrained = fitted.members
    assert (one.any_order, untrained.any_order) == (True, False)
    assert one.weight == pytest.approx(1)
    assert untrained.weight == 0
    assert untrained.complete_nats == pytest.approx(fitted.independent_nats, abs=0.05)
    assert one.complete_nats == pytest.approx(fitted.valid_nats)
    assert one.complete_nats > untrained.complete_nats + 0.3


def test_progress_tells_the_best_so_far() -> None:
    seen: list[Progress] = []
    fit(noisy_copies(300), layout(3), config(), on_epoch=seen.append)
    assert [progress.epoch for progress in seen] == [1, 2, 3]
    best = np.maximum.accumulate([progress.valid_nats for progress in seen])
    assert [progress.best_nats for progress in seen] == best.tolist()
    assert seen[0].epochs == 3


def test_a_mixture_is_no_worse_than_its_members_on_validation_rows() -> None:
    members = (
        MemberConfig("any", NETWORK, MaskConfig(ensemble=2), QUICK),
        MemberConfig("natural", NETWORK, MaskConfig("natural", count=1), QUICK),
    )
    valid = noisy_copies(400, seed=5)
    fitted = fit(noisy_copies(1000), layout(3), FitConfig(members), valid=valid)
    each = fitted.density.component_scores(valid).mean(axis=0)
    assert fitted.valid_nats >= each.max() - 1e-3
    assert np.exp(fitted.density.log_weights).sum() == pytest.approx(1.0)


@pytest.mark.parametrize(("complete", "names"), [(0.4, ["any"]), (0.6, ["any", "natural"])])
def test_fixed_orderings_are_trained_where_half_of_the_rows_are_complete(
    complete: float, names: list[str]
) -> None:
    members = (
        MemberConfig("any", NETWORK, MaskConfig(ensemble=2), QUICK),
        MemberConfig("natural", NETWORK, MaskConfig("natural", count=1), QUICK),
    )
    rows = noisy_copies(400)
    rows[np.random.default_rng(0).random(400) > complete, 1] = np.nan
    fitted = fit(rows, layout(3), FitConfig(members))
    assert [member.name for member in fitted.members] == names


def test_the_unknown_category_gets_the_mass_of_what_was_seen_once() -> None:
    names = [f"rare {index}" for index in range(40)] + ["a"] * 480 + ["b"] * 480
    table = pa.table({"name": names, "flag": [True, False] * 500})
    schema = Schema.infer(table, {"name": "categorical"})
    values = schema.encode(table)
    fitted = fit(values, Layout(schema.columns), config(THOROUGH))
    unseen = schema.encode(pa.table({"name": ["never seen"]}))
    assert np.exp(fitted.density.score(unseen))[0] == pytest.approx(0.04, abs=0.02)


def test_a_table_without_a_single_value_is_refused() -> None:
    with pytest.raises(TrainingError, match="every value of the table is missing"):
        fit(np.full((10, 3), np.nan), layout(3), config())


def test_amounts_in_cents_can_be_learned_up_to_millions() -> None:
    amounts = np.random.default_rng(0).lognormal(12, 1, 1500).round(2)
    table = pa.table({"amount": amounts, "flag": amounts > np.median(amounts)})
    schema = Schema.infer(table)
    assert schema.columns[0].kind == "integer"
    fitted = fit(schema.encode(table), Layout(schema.columns), config(QUICK))
    assert np.isfinite(fitted.density.score(schema.encode(table))).all()


def test_a_single_column_can_be_learned() -> None:
    values = (np.random.default_rng(0).random((2000, 1)) < 0.3).astype(float)
    fitted = fit(values, layout(1), config(THOROUGH))
    assert np.exp(fitted.density.score(np.array([[1.0]])))[0] == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("complete_rows", [0, 250], ids=["no complete row", "some complete rows"])
def test_fixed_orderings_alone_can_learn_from_rows_with_nulls(complete_rows: int) -> None:
    rows = noisy_copies(500)
    rows[complete_rows:, 2] = np.nan
    fitted = fit(rows, layout(3), config(ordering="natural", count=1))
    assert np.isfinite(fitted.valid_nats)
    assert np.isfinite(fitted.density.score(EVERY_ROW)).all()


@pytest.mark.cuda
def test_a_network_trained_on_cuda_learns_the_distribution() -> None:
    fitted = fit(noisy_copies(4000), layout(3), config(THOROUGH), device="cuda")
    assert divergence(fitted) < 0.01


@pytest.mark.parametrize("weighing", ["members", "even"])
def test_masks_of_a_member_share_its_weight_evenly(weighing: Weighing) -> None:
    settings = replace(config(count=None), weighing=weighing)
    one = settings.members[0]
    fixed = MemberConfig("two", NETWORK, MaskConfig("natural", count=1), QUICK)
    fitted = fit(noisy_copies(400), layout(3), replace(settings, members=(one, fixed)))
    weights = np.exp(fitted.density.log_weights)
    assert weights[:4] == pytest.approx(fitted.members[0].weight / 4)
    assert weights[4:].sum() == pytest.approx(fitted.members[1].weight)
    assert weights.sum() == pytest.approx(1)
    assert weighing == "members" or fitted.members[0].weight == pytest.approx(0.5)

"""Settings out of range are refused, and presets go from quick to thorough."""

import pytest

from madeira.models.errors import ConfigError
from madeira.models.training import PRESETS, FitConfig, MemberConfig, TrainingConfig, preset


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "sgd"}, "adamw or adadelta"),
        ({"schedule": "linear"}, "constant, cosine or plateau"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
        ({"averaging": -0.1}, "averaging"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"batch_rows": 0}, "batch_rows"),
        ({"gradient_clip": -1.0}, "gradient_clip"),
        ({"max_steps": 0}, "max_steps"),
        ({"max_epochs": 0}, "max_epochs must be at least 1"),
        ({"patience_epochs": 0}, "patience_epochs"),
    ],
)
def test_training_settings_out_of_range_are_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingConfig(**settings)  # type: ignore[arg-type]


def test_a_fit_needs_members_of_different_names() -> None:
    with pytest.raises(ConfigError, match="at least one member"):
        FitConfig(())
    with pytest.raises(ConfigError, match="different names: a, a"):
        FitConfig((MemberConfig("a"), MemberConfig("a")))
    with pytest.raises(ConfigError, match="valid_fraction"):
        FitConfig((MemberConfig("a"),), valid_fraction=1.0)
    with pytest.raises(ConfigError, match="masks, members or even"):
        FitConfig((MemberConfig("a"),), weighing="rows")  # type: ignore[arg-type]


@pytest.mark.parametrize(("rows", "batch"), [(10, 32), (800, 32), (5_000, 128), (10**6, 256)])
def test_minibatches_grow_with_the_table(rows: int, batch: int) -> None:
    assert TrainingConfig().rows_per_batch(rows) == batch
    assert TrainingConfig(batch_rows=7).rows_per_batch(rows) == 7


def test_steps_bound_the_passes_over_a_large_table() -> None:
    training = TrainingConfig(max_epochs=100, max_steps=1000, batch_rows=10)
    assert training.epochs(50) == 100
    assert training.epochs(1000) == 10
    assert training.epochs(10**6) == 1


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_answer_with_any_evidence(name: str) -> None:
    members = preset(name).members  # type: ignore[arg-type]
    assert any(member.masks.any_order for member in members)


def test_a_preset_of_another_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected one of 'fast', 'balanced', 'best'"):
        preset("quick")  # type: ignore[arg-type]

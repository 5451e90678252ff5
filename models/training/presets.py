"""Named settings of a whole fit, from quick to thorough."""

from collections.abc import Callable
from dataclasses import replace

from madeira.models.echo import expected_one_of
from madeira.models.errors import ConfigError
from madeira.models.made.config import MaskConfig, NetworkConfig
from madeira.models.preset_names import Preset
from madeira.models.training.config import FitConfig, MemberConfig, TrainingConfig

__all__ = ["PRESETS", "Preset", "preset"]

ANY_ORDER = MaskConfig("sampled", "even", count=None, ensemble=8, answering_share=0.3)
NATURAL = MaskConfig("natural", "even", count=1)
RANDOM = MaskConfig("random", "even", count=1)


ANY_ORDER_TRAINING = TrainingConfig(masks_per_batch=4, structural_zeros=True)
FIXED_TRAINING = TrainingConfig(dropout=0.2, structural_zeros=True)


def _fast() -> FitConfig:
    network = NetworkConfig(hidden=(128, 128), residual=True)
    training = TrainingConfig(
        max_epochs=60, max_steps=6_000, patience_epochs=8, structural_zeros=True
    )
    return FitConfig((MemberConfig("any-order", network, ANY_ORDER, training),))


def _balanced() -> FitConfig:
    network = NetworkConfig(hidden=(256, 256, 256), residual=True)
    any_order = replace(ANY_ORDER_TRAINING, max_epochs=200, max_steps=16_000, patience_epochs=20)
    fixed = replace(FIXED_TRAINING, max_epochs=200, max_steps=12_000, patience_epochs=15)
    return FitConfig(
        (
            MemberConfig("any-order", network, ANY_ORDER, any_order),
            MemberConfig("natural", network, NATURAL, fixed),
        )
    )


def _best() -> FitConfig:
    network = NetworkConfig(hidden=(512, 512, 512), residual=True)
    any_order = replace(ANY_ORDER_TRAINING, max_epochs=400, max_steps=40_000, patience_epochs=30)
    fixed = replace(FIXED_TRAINING, max_epochs=200, max_steps=20_000, patience_epochs=20)
    return FitConfig(
        (
            MemberConfig("any-order", network, replace(ANY_ORDER, ensemble=16), any_order),
            MemberConfig("natural", network, NATURAL, fixed),
            *(MemberConfig(f"random-{k}", network, RANDOM, fixed) for k in (1, 2)),
        )
    )


PRESETS: dict[Preset, Callable[[], FitConfig]] = {
    "fast": _fast,
    "balanced": _balanced,
    "best": _best,
}


def preset(name: Preset) -> FitConfig:
    """Return the settings of that name.

    `fast` trains one small any-order network; `balanced` a larger one and a network of the
    natural ordering; `best` twice the width and two more orderings.

    Raises:
        ConfigError: No preset has that name.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise ConfigError(f"no preset is called {name!r}; {expected_one_of(PRESETS, str(name))}")
    return PRESETS[name]()

"""Training: from an encoded table to the weights of an ensemble."""

from madeira.models.training.config import FitConfig, MemberConfig, TrainingConfig
from madeira.models.training.fit import Fitted, fit
from madeira.models.training.loop import Progress
from madeira.models.training.presets import PRESETS, preset

__all__ = [
    "PRESETS",
    "FitConfig",
    "Fitted",
    "MemberConfig",
    "Progress",
    "TrainingConfig",
    "fit",
    "preset",
]

"""Training: from an encoded table to the weights of an ensemble."""

from models.training.config import FitConfig, MemberConfig, TrainingConfig
from models.training.fit import Fitted, fit
from models.training.loop import Progress
from models.training.presets import PRESETS, preset

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

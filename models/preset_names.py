"""The names of presets, apart from what they stand for: a command offers them without PyTorch."""

from typing import Literal

__all__ = ["Preset"]

Preset = Literal["fast", "balanced", "best"]

"""Names of the presets, in a module of their own so that commands can list them without PyTorch."""

from typing import Literal

__all__ = ["Preset"]

Preset = Literal["fast", "balanced", "best"]

"""Names of the estimates of a missing cell, in a module of their own: commands list them."""

from typing import Literal

__all__ = ["Estimate"]

Estimate = Literal["draw", "mean", "median", "mode"]
"""What fills a missing cell: a draw from its distribution, or one point of it."""

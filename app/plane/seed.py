"""The seed of a request, from which all its noise comes."""

import secrets

__all__ = ["pick_seed"]

PICKED_SEEDS = 2**32
"""Seeds that the service picks are short enough to be copied by hand."""


def pick_seed(seed: int | None) -> int:
    """Return the seed of a request, or an unpredictable one where it has none."""
    return secrets.randbelow(PICKED_SEEDS) if seed is None else seed

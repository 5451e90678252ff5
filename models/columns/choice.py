"""Drawing one of several outcomes with a uniform, for all mixtures and categories."""

import torch
from torch import Tensor

__all__ = ["MIN_TEMPERATURE", "choose"]

MIN_TEMPERATURE = 1e-6
"""Temperatures below are taken as this one: it draws the likeliest outcome."""


def choose(logits: Tensor, noise: Tensor, temperature: float = 1.0) -> Tensor:
    """Invert the distribution function of a softmax.

    Args:
        logits: Unnormalised log-probabilities, (batch, n, outcomes); -inf for what cannot come.
        noise: Uniforms in (0, 1), (batch, n).
        temperature: Divides the logits; > 0.

    Returns:
        Outcomes, (batch, n) long, non-decreasing in the noise.
    """
    masses = (logits / max(temperature, MIN_TEMPERATURE)).softmax(2).cumsum(2)
    places = noise.to(masses.dtype).unsqueeze(2) * masses[:, :, -1:]
    outcomes = torch.searchsorted(masses, places, right=True).squeeze(2)
    return outcomes.clamp(max=logits.shape[2] - 1)

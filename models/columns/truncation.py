r"""The logistic distribution between two ends: its mass there, and its quantiles.

Both stay exact in either tail, where the distribution function has no digits left: with F the
logistic function and a < b the standardised ends,

    log (F(b) - F(a)) = log F(b) + log F(-a) + log(1 - exp(a - b))
    quantile(u)       = log p - log (1 - p),    p = (1 - u) F(a) + u F(b)

where p and 1 - p = (1 - u) F(-a) + u F(-b) are both sums of exponentials of logarithms.
"""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["MIN_WIDTH", "log_mass_between", "quantile_between"]

MIN_WIDTH = 1e-30
"""Ends that are closer count as so far apart: a range of a single point keeps a finite mass."""


def log_mass_between(low: Tensor, high: Tensor) -> Tensor:
    """Return the logarithm of the mass between standardised ends, any one shape.

    Args:
        low: Standardised lower ends.
        high: Upper ends, the same shape.
    """
    widths = (high - low).clamp(min=MIN_WIDTH)
    both = functional.logsigmoid(high) + functional.logsigmoid(-low)
    return both + torch.log(-torch.expm1(-widths))


def quantile_between(low: Tensor, high: Tensor, uniforms: Tensor) -> Tensor:
    """Return standardised quantiles of the part between two ends, in float64.

    Args:
        low: Standardised lower ends, any shape.
        high: Upper ends, the same shape.
        uniforms: In (0, 1), the same shape.
    """
    low, high, uniforms = low.double(), high.double(), uniforms.double()
    from_high, from_low = torch.log(uniforms), torch.log1p(-uniforms)
    below = torch.logaddexp(
        from_low + functional.logsigmoid(low), from_high + functional.logsigmoid(high)
    )
    above = torch.logaddexp(
        from_low + functional.logsigmoid(-low), from_high + functional.logsigmoid(-high)
    )
    return below - above

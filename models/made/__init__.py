"""The network of a density: orderings, masks, and the masked autoencoder itself."""

from madeira.models.made.config import Activation, Degrees, MaskConfig, NetworkConfig, Ordering
from madeira.models.made.mask_statistics import MaskStatistics
from madeira.models.made.masks import Mask, MaskSource, sample_mask
from madeira.models.made.network import MADE
from madeira.models.made.ordering import evidence_first, natural_positions, random_positions

__all__ = [
    "MADE",
    "Activation",
    "Degrees",
    "Mask",
    "MaskConfig",
    "MaskSource",
    "MaskStatistics",
    "NetworkConfig",
    "Ordering",
    "evidence_first",
    "natural_positions",
    "random_positions",
    "sample_mask",
]

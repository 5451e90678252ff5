"""The network of a density: orderings, masks, and the masked autoencoder itself."""

from models.made.config import Activation, Degrees, MaskConfig, NetworkConfig, Ordering
from models.made.folded import FoldedNetwork, fold
from models.made.guide import Guide
from models.made.masks import Mask, MaskSource, sample_mask
from models.made.network import MADE
from models.made.ordering import evidence_first, natural_positions, random_positions

__all__ = [
    "MADE",
    "Activation",
    "Degrees",
    "FoldedNetwork",
    "Guide",
    "Mask",
    "MaskConfig",
    "MaskSource",
    "NetworkConfig",
    "Ordering",
    "evidence_first",
    "fold",
    "natural_positions",
    "random_positions",
    "sample_mask",
]

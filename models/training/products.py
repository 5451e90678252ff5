"""How the products of a network are computed while it is trained."""

import torch

from models.made.banded import BandedMADE
from models.made.masks import MaskSource
from models.made.network import MADE
from models.training.config import MemberConfig, TrainingConfig

__all__ = ["blocks_of_one_mask", "halved"]


def blocks_of_one_mask(config: MemberConfig, network: MADE, masks: MaskSource) -> BandedMADE | None:
    """What is trained in place of a network of one mask, where it is large or has a reach."""
    near = config.masks.reach is not None and config.network.hidden
    if config.masks.count != 1 or config.training.direct_rank is not None:
        return None
    if not (network.large or near):
        return None
    dtype = torch.bfloat16 if halved(config.training, network) else torch.float32
    return BandedMADE(network, masks.answering[0], masks.guide.near, dtype)


def halved(config: TrainingConfig, network: MADE) -> bool:
    """Whether products are of bfloat16.

    On CUDA they are faster so; on processors with instructions for them it is where products, and
    not calls, take the time.
    """
    if not config.mixed_precision or network.device.type == "cuda":
        return config.mixed_precision
    able = torch.cpu.get_capabilities()
    return network.large and bool(able.get("avx512_bf16") or able.get("amx_bf16"))

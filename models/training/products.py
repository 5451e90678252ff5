"""How the products of a network of one mask are computed while it is trained."""

import torch

from madeira.models.made.banded import BandedMADE
from madeira.models.made.masks import MaskSource
from madeira.models.made.network import MADE
from madeira.models.training.config import MemberConfig

__all__ = ["blocks_of_one_mask"]

ROWS_THAT_PAY = 128


def blocks_of_one_mask(
    config: MemberConfig, network: MADE, masks: MaskSource, batch_rows: int
) -> BandedMADE | None:
    """What is trained in place of a network of one mask, where it is large or has a reach.

    Args:
        config: Its settings.
        network: The network, of initial weights.
        masks: Its masks.
        batch_rows: Rows a minibatch.
    """
    if config.masks.count != 1 or config.training.direct_rank is not None:
        return None
    local = config.masks.reach is not None and len(config.network.hidden) > 0
    if not (network.large or local):
        return None
    halves = config.training.mixed_precision and _halves(network, batch_rows)
    dtype = torch.bfloat16 if halves else torch.float32
    return BandedMADE(network, masks.answering[0], masks.guide.near, dtype)


def _halves(network: MADE, batch_rows: int) -> bool:
    """Whether products of bfloat16 are the faster ones.

    On CUDA they are. On a processor with instructions for them (AVX-512 BF16 or AMX) they are
    where a minibatch has rows enough to pay for converting the weights.
    """
    if network.device.type == "cuda":
        return True
    able = torch.cpu.get_capabilities()
    instructions = able.get("avx512_bf16") or able.get("amx_bf16")
    return bool(instructions) and network.large and batch_rows >= ROWS_THAT_PAY

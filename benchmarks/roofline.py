"""The least time that a pass could take: its arithmetic, and the bytes it has to move."""

import time
from dataclasses import dataclass

import numpy as np
import torch

from madeira.models.inference import Density
from madeira.models.made.network import MaskTensors
from madeira.models.made.products.sorted_mask import INPUTS, OUTPUTS, Units

__all__ = ["Roofline"]

PRODUCT_SIZE = 2048
COPIED_NUMBERS = 64 * 2**20
NUMBER_BYTES = 4
TRIES = 5


@dataclass(frozen=True)
class Roofline:
    """What the machine reaches.

    Attributes:
        flops_per_s: Of a matrix product, float32.
        bytes_per_s: Read and written by a copy too large for any cache.
    """

    flops_per_s: float
    bytes_per_s: float

    @classmethod
    def measure(cls, device: str) -> "Roofline":
        """Measure both on a device, the best of a few tries."""
        a, b = (torch.rand(PRODUCT_SIZE, PRODUCT_SIZE, device=device) for _ in range(2))
        source = torch.rand(COPIED_NUMBERS, device=device)
        target = torch.empty_like(source)
        product = min(_seconds(lambda: torch.mm(a, b), device) for _ in range(TRIES))
        copy = min(_seconds(lambda: target.copy_(source), device) for _ in range(TRIES))
        return cls(2 * PRODUCT_SIZE**3 / product, 2 * NUMBER_BYTES * COPIED_NUMBERS / copy)

    def of_pass(self, density: Density, rows: int, seconds: float) -> dict[str, float | str]:
        """How far a walk of all variables is from the least time for it.

        Each weight that a mask lets through is multiplied once a row. Weights are read once, and
        of each row the noise is read and the values are written.
        """
        weights = _weights(density)
        flops = 2.0 * weights * rows
        moved = NUMBER_BYTES * weights + 8.0 * rows * (density.noise_width + density.variables)
        arithmetic, memory = flops / self.flops_per_s, moved / self.bytes_per_s
        least = max(arithmetic, memory)
        bound = "matrix product" if arithmetic >= memory else "memory copy"
        return {
            "floating-point operations": flops,
            "bytes": moved,
            f"least time by {bound}, ms": least * 1e3,
            "times the least": seconds / least,
        }


def _weights(density: Density) -> int:
    """Weights of the first component that its mask lets through."""
    component = density.components[0]
    network = density.members[component.member].network
    tensors = MaskTensors(component.mask, density.layout, density.layout.device)
    layers = len(network.config.hidden)
    matrices: list[tuple[Units, Units]] = [(layer, layer - 1) for layer in range(1, layers)]
    if layers:
        matrices += [(0, INPUTS), (OUTPUTS, layers - 1)]
    if network.direct_weight is not None:
        matrices.append((OUTPUTS, INPUTS))
    return sum(int(tensors.matrix(*pair).sum()) for pair in matrices)


def _seconds(work: object, device: str) -> float:
    assert callable(work)  # noqa: S101 - for the type checker
    if device != "cpu":
        torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return float(np.float64(time.perf_counter() - start))

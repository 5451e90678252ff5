"""What public MADE code does: a full pass for every variable, a row at a time where rows differ."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from madeira.models.arrays import Float64
from madeira.models.inference import Density
from madeira.models.inference.weights.folded import FoldedNetwork, fold
from madeira.models.made import Mask
from madeira.models.made.network import ACTIVATIONS, MADE, MaskTensors
from madeira.models.made.ordering import evidence_first, variables_in_order
from madeira.models.made.products.sorted_mask import INPUTS, OUTPUTS, Units

__all__ = ["MaskedEachCall", "impute_row", "sample_by_full_passes", "score_row"]


@torch.inference_mode()
def sample_by_full_passes(
    density: Density,
    folded: FoldedNetwork,
    values: Float64,
    noise: Float64,
    steps: int | None = None,
) -> Tensor:
    """Draw what is missing of rows of one pattern, a full pass with folded masks for each.

    Args:
        density: Whose layout it is.
        folded: Weights with the masks of an ordering that puts what is observed first.
        values: NaN where missing, `(rows, variables)`.
        noise: Uniforms, `(rows, noise_width)`.
        steps: Stop after so many variables: every pass costs the same.
    """
    layout = density.layout
    known = torch.as_tensor(values, dtype=torch.float32, device=layout.device)
    uniform = torch.as_tensor(noise[:, 1:], device=layout.device)
    missing = np.isnan(values[0])
    order = [d for d in variables_in_order(folded.mask.positions) if missing[d]]
    for variable in order[:steps]:
        head, _, outputs, draws = layout.single(int(variable))
        parameters = folded(layout.features(known, ~known.isnan()))
        drawn = head.sample(parameters[:, outputs], uniform[:, draws])
        known[:, variable] = drawn[:, 0].to(known.dtype)
    return known


def impute_row(density: Density, values: Float64, noise: Float64) -> Tensor:
    """Fill one row, `(1, variables)`: masks folded for its pattern, then full passes."""
    return sample_by_full_passes(density, _folded_for(density, values), values, noise)


@torch.inference_mode()
def score_row(density: Density, values: Float64) -> float:
    """Score one row, `(1, variables)`: masks folded for its pattern, then one full pass."""
    layout = density.layout
    known = torch.as_tensor(values, dtype=torch.float32, device=layout.device)
    parameters = _folded_for(density, values)(layout.features(known, ~known.isnan()))
    terms = layout.log_prob(parameters, known)
    return float(torch.where(known.isnan(), 0.0, terms).sum())


def _folded_for(density: Density, values: Float64) -> FoldedNetwork:
    component = density.components[0]
    order = variables_in_order(component.mask.positions)
    positions = np.argsort(evidence_first(order, ~np.isnan(values))[0]) + 1
    return fold(density.members[0].network, Mask(positions, component.mask.degrees))


class MaskedEachCall:
    """Scores complete rows as a plain masked MLP does: masks multiplied in every call."""

    def __init__(self, density: Density) -> None:
        self._layout = density.layout
        self._network: MADE = density.members[0].network
        tensors = MaskTensors(density.components[0].mask, density.layout, density.layout.device)
        path: list[Units] = [INPUTS, *range(len(self._network.config.hidden)), OUTPUTS]
        self._masks = [tensors.matrix(after, before).float() for before, after in pairwise(path)]

    @torch.inference_mode()
    def __call__(self, values: Float64) -> Float64:
        """Nats, `(rows, variables)` -> `(rows,)`."""
        network, layout = self._network, self._layout
        rows = torch.as_tensor(values, dtype=torch.float32, device=layout.device)
        units = layout.features(rows, torch.ones_like(rows, dtype=torch.bool))
        weights = zip(network.hidden_weights, network.hidden_biases, self._masks, strict=False)
        for weight, bias, mask in weights:
            units = torch.nn.functional.linear(units, weight * mask, bias)
            units = ACTIVATIONS[network.config.activation](units)
        assert network.output_weight is not None  # noqa: S101 - these networks have layers
        weight = network.output_weight * self._masks[-1]
        parameters = torch.nn.functional.linear(units, weight, network.output_bias)
        return layout.log_prob(parameters, rows).sum(dim=1).cpu().numpy().astype(np.float64)

"""Densities of the shapes that the benchmarks ask for, with random weights."""

import numpy as np
import pyarrow as pa
import torch

from madeira.models.columns import Layout
from madeira.models.inference import Density, Member
from madeira.models.made import MADE, MaskConfig, MaskSource, NetworkConfig
from madeira.models.schema import Schema

__all__ = ["binary_layout", "density_of", "mixed_layout"]


def binary_layout(variables: int) -> Layout:
    """Return a layout of binary columns."""
    names = [f"x{index}" for index in range(variables)]
    table = pa.table({name: [False, True] for name in names})
    return Layout(Schema.infer(table, dict.fromkeys(names, "binary")).columns)


def mixed_layout(rows: int = 2000) -> Layout:
    """Return a layout of fifteen columns: five binary, five categorical, five continuous."""
    generator = np.random.default_rng(0)
    columns: dict[str, object] = {}
    for index, categories in enumerate((3, 5, 8, 12, 40)):
        columns[f"yes_no_{index}"] = generator.random(rows) < 0.3
        columns[f"label_{index}"] = [f"value {c}" for c in generator.integers(0, categories, rows)]
        columns[f"number_{index}"] = generator.gamma(2.0, 10.0 ** (index - 1), rows)
    kinds = {"yes_no": "binary", "label": "categorical", "number": "continuous"}
    overrides = {name: kinds[name.rsplit("_", 1)[0]] for name in columns}
    return Layout(Schema.infer(pa.table(columns), overrides).columns)


def density_of(
    layout: Layout, config: NetworkConfig, any_order: bool, device: str = "cpu", scale: float = 0.03
) -> Density:
    """Return a density of one network under one mask.

    Args:
        layout: The variables.
        config: Shape of the network.
        any_order: Whether any ordering can be asked for, or the natural one alone.
        device: Where it computes.
        scale: Standard deviation of the weights.
    """
    layout = layout.to(device)
    masks = MaskConfig("sampled" if any_order else "natural", count=None if any_order else 1)
    if any_order:
        masks = MaskConfig("sampled", ensemble=1)
    source = MaskSource(config, masks, layout.variables, seed=0)
    generator = torch.Generator().manual_seed(0)
    network = MADE(config, layout, generator)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, scale, generator=generator)
    network = network.to(device).eval()
    member = Member("one", network, source.answering, any_order)
    return Density([member], layout, np.zeros(1))

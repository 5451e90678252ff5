"""Compiles ahead: `python -m madeira.models.inference`, so that the first start need not."""

import numpy as np
import pyarrow as pa
import torch

from madeira.models.columns.layout import Layout
from madeira.models.compiled import machine_code_folder
from madeira.models.inference.density import Density, warm_up
from madeira.models.inference.member import Member
from madeira.models.made import MADE, MaskConfig, MaskSource, NetworkConfig
from madeira.models.made.products.triangular import Staircase, triangular_linear
from madeira.models.schema.schema import Schema

__all__ = ["main"]


def main() -> None:
    """Run the smallest density and product there are, and says where the machine code is kept."""
    layout = Layout(Schema.infer(pa.table({"a": [True, False], "b": [0.25, 1.5]})).columns)
    config = NetworkConfig((2,))
    masks = MaskSource(config, MaskConfig(ensemble=1), layout.variables, seed=0).answering
    warm_up(Density([Member("smallest", MADE(config, layout), masks, True)], layout, np.zeros(1)))
    keys = np.arange(2)
    staircase = Staircase.of(keys, keys, keys, keys)
    weight = torch.zeros(2, 2, requires_grad=True)
    product = triangular_linear(torch.zeros(1, 2), weight, None, staircase)
    torch.autograd.backward(product.sum())
    print(f"Compiled into {machine_code_folder()}")  # noqa: T201 - a command's answer


if __name__ == "__main__":
    main()

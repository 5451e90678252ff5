"""A network without the variables that are derived from columns.

Where derived variables come after all columns in an ordering and nothing is asked of them, no
path leads from them to a column. Without their units the network is another, smaller one, and gives
the same conditionals of the columns.
"""

import torch

from madeira.models.columns.layout import Layout
from madeira.models.made.network import MADE

__all__ = ["restricted"]


@torch.no_grad()
def restricted(network: MADE, layout: Layout) -> MADE:
    """Return the network of the columns alone.

    Args:
        network: A network of columns and derived variables.
        layout: The columns, on the device of the network.
    """
    full, columns = network.layout, layout.variables
    inputs = torch.nonzero(full.variable_of_input < columns).flatten()
    outputs = torch.nonzero(full.variable_of_output < columns).flatten()
    weights = dict(network.state_dict())
    weights["output_bias"] = weights["output_bias"][outputs]
    if network.output_weight is not None:
        weights["output_weight"] = weights["output_weight"][outputs]
        weights["hidden_weights.0"] = weights["hidden_weights.0"][:, inputs]
    if network.conditioning_weight is not None:
        weights["conditioning_weight"] = weights["conditioning_weight"][:, :columns]
    if network.direct_weight is not None:
        weights["direct_weight"] = weights["direct_weight"][outputs][:, inputs]
    smaller = MADE(network.config, layout)
    smaller.load_state_dict(weights)
    return smaller.to(network.device).eval().requires_grad_(False)

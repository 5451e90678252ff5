"""The masked autoencoder for distribution estimation.

Germain, Gregor, Murray, Larochelle: MADE, ICML 2015. One network covers its special cases: with
no hidden layer it is FVSBN, with one fixed mask plain MADE, with a cycle of masks the paper's
mask sampling, with a fresh ordering every minibatch the order-agnostic one.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.columns.layout import Layout
from models.made.config import Activation, NetworkConfig
from models.made.masks import Mask

__all__ = ["ACTIVATIONS", "MADE", "MaskTensors"]

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "softplus": functional.softplus,
    "tanh": torch.tanh,
}


class MaskTensors:
    """A mask as the boolean matrices that multiply the weights.

    Args:
        mask: The ordering and the degrees.
        layout: Which input and output units belong to which variable.
        device: Where the matrices live.
    """

    def __init__(self, mask: Mask, layout: Layout, device: torch.device) -> None:
        positions = torch.as_tensor(mask.positions, device=device)
        degrees = [torch.as_tensor(degree, device=device) for degree in mask.degrees]
        self.inputs = positions[layout.variable_of_input]
        self.outputs = positions[layout.variable_of_output]
        self.positions = positions
        self.degrees = degrees

    def input_to_hidden(self) -> Tensor:
        """Shape `(width, inputs)`."""
        return self.degrees[0][:, None] >= self.inputs

    def variable_to_hidden(self) -> Tensor:
        """Shape `(width, variables)`."""
        return self.degrees[0][:, None] >= self.positions

    def hidden_to_hidden(self, layer: int) -> Tensor:
        """From hidden layer `layer - 1` to `layer`: shape `(width, width before)`."""
        return self.degrees[layer][:, None] >= self.degrees[layer - 1]

    def hidden_to_output(self) -> Tensor:
        """Shape `(outputs, width)`."""
        return self.outputs[:, None] > self.degrees[-1]

    def input_to_output(self) -> Tensor:
        """Shape `(outputs, inputs)`."""
        return self.outputs[:, None] > self.inputs


class MADE(nn.Module):
    """Masked autoencoder over the variables of a layout.

    With x the input features, o in {0, 1} the observed variables and M the masks,

        a_1 = b_1 + (W_1 * M) x + (U * M) o
        a_l = b_l + (W_l * M) g(a_{l-1})  [+ a_{l-1} where residual]
        y   = c + (V * M) g(a_L) + (A * M) x

    and y holds the parameters of every variable's conditional. A missing variable has x = 0 and
    o = 0: nothing of the row then depends on it, which is the same as moving it behind all other
    variables of the ordering.

    Args:
        config: Widths, activation, and which of U and A exist.
        layout: Which input and output units belong to which variable.
        generator: Source of the initial weights.
    """

    def __init__(
        self, config: NetworkConfig, layout: Layout, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.layout = layout
        self.activation = ACTIVATIONS[config.activation]
        inputs, outputs, variables = layout.inputs, layout.outputs, layout.variables
        sizes = (inputs, *config.hidden)
        self.hidden_weights = nn.ParameterList(
            _orthogonal(after, before, generator)
            for before, after in zip(sizes, config.hidden, strict=False)
        )
        self.hidden_biases = nn.ParameterList(torch.zeros(width) for width in config.hidden)
        self.output_bias = nn.Parameter(torch.zeros(outputs))
        self.output_weight: nn.Parameter | None = None
        self.conditioning_weight: nn.Parameter | None = None
        self.direct_weight: nn.Parameter | None = None
        if config.hidden:
            self.output_weight = _orthogonal(outputs, config.hidden[-1], generator, gain=0.1)
            if config.conditioning:
                self.conditioning_weight = nn.Parameter(torch.zeros(config.hidden[0], variables))
        if config.direct:
            self.direct_weight = nn.Parameter(torch.zeros(outputs, inputs))

    def forward(
        self,
        features: Tensor,
        observed: Tensor,
        mask: MaskTensors,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
    ) -> Tensor:
        """Parameters of every variable's conditional.

        Args:
            features: Input features, shape `(batch, inputs)`, zero where missing.
            observed: 1 where observed, else 0, floating point, shape `(batch, variables)`.
            mask: The ordering and degrees, one for the batch.
            dropout: Share of hidden units dropped, while training.
            input_dropout: Share of input features dropped, while training.

        Returns:
            Output parameters, shape `(batch, outputs)`.
        """
        features = functional.dropout(features, input_dropout, self.training)
        output: Tensor = self.output_bias
        if self.output_weight is not None:
            hidden = functional.linear(
                features, self.hidden_weights[0] * mask.input_to_hidden(), self.hidden_biases[0]
            )
            if self.conditioning_weight is not None:
                conditioning = self.conditioning_weight * mask.variable_to_hidden()
                hidden = hidden + functional.linear(observed, conditioning)
            for layer in range(1, len(self.config.hidden)):
                active = functional.dropout(self.activation(hidden), dropout, self.training)
                weight = self.hidden_weights[layer] * mask.hidden_to_hidden(layer)
                after = functional.linear(active, weight, self.hidden_biases[layer])
                hidden = hidden + after if self.config.residual else after
            active = functional.dropout(self.activation(hidden), dropout, self.training)
            weight = self.output_weight * mask.hidden_to_output()
            output = functional.linear(active, weight, self.output_bias)
        if self.direct_weight is not None:
            weight = self.direct_weight * mask.input_to_output()
            output = output + functional.linear(features, weight)
        return output.expand(len(features), -1)

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.output_bias.device


def _orthogonal(
    rows: int, columns: int, generator: torch.Generator | None, gain: float = 1.0
) -> nn.Parameter:
    weight = torch.empty(rows, columns)
    nn.init.orthogonal_(weight, gain, generator)
    return nn.Parameter(weight)

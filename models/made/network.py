"""The masked autoencoder for distribution estimation.

Germain, Gregor, Murray, Larochelle: MADE, ICML 2015. One network covers its special cases: with
no hidden layer it is FVSBN, with one fixed mask plain MADE, with a cycle of masks the paper's
mask sampling, with a fresh ordering every minibatch the order-agnostic one.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from madeira.models.columns.layout import Layout
from madeira.models.made.config import Activation, NetworkConfig
from madeira.models.made.masks import Mask
from madeira.models.made.products.sorted_mask import INPUTS, OUTPUTS, VARIABLES, SortedMask, Units

__all__ = ["ACTIVATIONS", "MADE", "MaskTensors", "Products", "Weights", "through"]

WEIGHTS_THAT_PAY = 2**18

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
        self._mask, self._layout, self._device = mask, layout, device

    @cached_property
    def _keys(self) -> dict[Units, Tensor]:
        """Keys of the units of each kind, `(units,)`: one may see what has no larger key."""
        layout, positions = self._layout, torch.as_tensor(self._mask.positions, device=self._device)
        degrees = [torch.as_tensor(degree, device=self._device) for degree in self._mask.degrees]
        return {
            INPUTS: positions[layout.variable_of_input],
            VARIABLES: positions,
            OUTPUTS: positions[layout.variable_of_output] - 1,
            **dict(enumerate(degrees)),
        }

    def order(self, of: Units) -> Tensor:
        """Permutation that sorts units by their keys, shape `(units,)`."""
        return self._keys[of].argsort(stable=True)

    @cached_property
    def sorted(self) -> SortedMask:
        """The same mask for products that skip its zero half; on the CPU."""
        return SortedMask(self._mask, self._layout)

    def sort(self, units: Tensor, of: Units) -> Tensor:
        """Return the units as they are; `SortedMask` puts them in order."""
        return units

    def unsort(self, units: Tensor, of: Units) -> Tensor:
        """Return the units as they are."""
        return units

    def product(
        self, units: Tensor, weight: Tensor, bias: Tensor | None, after: Units, before: Units
    ) -> Tensor:
        """`units @ (weight * mask).T + bias`; arguments are those of `SortedMask.product`."""
        return functional.linear(units, weight * self.matrix(after, before), bias)

    def matrix(self, after: Units, before: Units) -> Tensor:
        """Which units before each unit after may see, boolean, `(units after, units before)`.

        Args:
            after: A hidden layer's number, or `OUTPUTS`.
            before: A hidden layer's number, `INPUTS` or `VARIABLES`.
        """
        return self._keys[after][:, None] >= self._keys[before]


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
        observed: Tensor | None,
        mask: MaskTensors,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
    ) -> Tensor:
        """Parameters of every variable's conditional.

        Args:
            features: Input features, shape `(batch, inputs)`, zero where missing.
            observed: 1 where observed, else 0, floating point, shape `(batch, variables)`; None
                where everything is.
            mask: The ordering and degrees, one for the batch.
            dropout: Share of hidden units dropped, while training.
            input_dropout: Share of input features dropped, while training.

        Returns:
            Output parameters, shape `(batch, outputs)`.
        """
        if observed is None:
            observed = features.new_ones(1, self.layout.variables)
        if not self.training:
            dropout = input_dropout = 0.0
        masked = mask.sorted if self.large and self.device.type == "cpu" else mask
        return through(self, masked, features, observed, dropout, input_dropout)

    @property
    def large(self) -> bool:
        """Whether some matrix is so large that skipping its zeros pays on a CPU."""
        return any(weight.numel() >= WEIGHTS_THAT_PAY for weight in self.parameters())

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.output_bias.device


_Weight = TypeVar("_Weight", contravariant=True)


class Products(Protocol[_Weight]):
    """Products of units and masked weights, in an order of the units; see `MaskTensors`."""

    def sort(self, units: Tensor, of: Units) -> Tensor:
        """Put units in the order of the products.

        Args:
            units: Shape `(batch, units)`.
            of: The kind of the units.
        """

    def unsort(self, units: Tensor, of: Units) -> Tensor:
        """Undo `sort`.

        Args:
            units: Shape `(batch, units)`.
            of: The kind of the units.
        """

    def product(
        self, units: Tensor, weight: _Weight, bias: Tensor | None, after: Units, before: Units
    ) -> Tensor:
        """Multiply sorted units by masked weights.

        Args:
            units: Shape `(batch, units before)`.
            weight: Weights of `(units after, units before)`, in the form that the products take.
            bias: Shape `(units after,)`, or None.
            after: The kind of the resulting units.
            before: The kind of the units.

        Returns:
            Sorted units, shape `(batch, units after)`.
        """


_Matrix = Any  # of the kind that the products take
_Several = Any  # one a hidden layer


class Weights(Protocol):
    """The weights of a network."""

    @property
    def config(self) -> NetworkConfig:
        """Widths and activation."""

    @property
    def hidden_weights(self) -> _Several:
        """W_1, W_2, ..., one a hidden layer."""

    @property
    def hidden_biases(self) -> _Several:
        """b_1, b_2, ..., one a hidden layer."""

    @property
    def output_bias(self) -> Tensor:
        """The vector c, shape `(outputs,)`."""

    @property
    def output_weight(self) -> _Matrix:
        """The matrix V, or None."""

    @property
    def conditioning_weight(self) -> _Matrix:
        """The matrix U, or None."""

    @property
    def direct_weight(self) -> _Matrix:
        """The matrix A, or None."""


def through(
    network: Weights,
    masked: Products[Any],
    features: Tensor,
    observed: Tensor | None = None,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
) -> Tensor:
    """Evaluate the equations of `MADE`, for weights of any form.

    Args:
        network: The weights.
        masked: How they are multiplied under the mask.
        features: Input features, shape `(batch, inputs)`.
        observed: 1 where observed, else 0, shape `(batch or 1, variables)`; not needed without
            conditioning weights.
        dropout: Share of hidden units to drop.
        input_dropout: Share of input features to drop.

    Returns:
        Parameters of every variable's conditional, shape `(batch, outputs)`.
    """
    activation = ACTIVATIONS[network.config.activation]
    features = masked.sort(_dropped(features, input_dropout), INPUTS)
    output: Tensor | None = None
    if network.output_weight is not None:
        hidden = masked.product(
            features, network.hidden_weights[0], network.hidden_biases[0], 0, INPUTS
        )
        if network.conditioning_weight is not None and observed is not None:
            known = masked.sort(observed, VARIABLES)
            weight = network.conditioning_weight
            hidden = hidden + masked.product(known, weight, None, 0, VARIABLES)
        last = len(network.config.hidden) - 1
        for layer in range(1, last + 1):
            active = _dropped(activation(hidden), dropout)
            weight, bias = network.hidden_weights[layer], network.hidden_biases[layer]
            after = masked.product(active, weight, bias, layer, layer - 1)
            hidden = hidden + after if network.config.residual else after
        active = _dropped(activation(hidden), dropout)
        output = masked.product(active, network.output_weight, network.output_bias, OUTPUTS, last)
    weight = network.direct_weight  # read once: it may be computed from other parameters
    if weight is not None:
        bias = network.output_bias if output is None else None
        direct = masked.product(features, weight, bias, OUTPUTS, INPUTS)
        output = direct if output is None else output + direct
    if output is None:
        return network.output_bias.expand(len(features), -1)
    return masked.unsort(output, OUTPUTS)


def _dropped(units: Tensor, share: float) -> Tensor:
    return functional.dropout(units, share) if share else units


def _orthogonal(
    rows: int, columns: int, generator: torch.Generator | None, gain: float = 1.0
) -> nn.Parameter:
    weight = torch.empty(rows, columns)
    nn.init.orthogonal_(weight, gain, generator)
    return nn.Parameter(weight)

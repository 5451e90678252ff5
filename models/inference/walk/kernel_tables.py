"""A layout and a network as the plain arrays that the compiled walk reads."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from madeira.models.arrays import Float32, Float64, Int64
from madeira.models.columns.kernels import kernel_of
from madeira.models.columns.layout import Layout
from madeira.models.inference.walk.vectors import padded
from madeira.models.inference.weights.sorted import SortedNetwork

__all__ = [
    "ACTIVATIONS",
    "KernelLayout",
    "KernelWeights",
    "filled_up",
    "float32",
    "kernel_layout",
    "kernel_weights",
]


ACTIVATIONS = ("relu", "softplus", "tanh")


class KernelLayout(NamedTuple):
    """Where the units of each variable stand.

    Attributes:
        spans: Kind, first input, end of inputs, first output, end, first uniform, end, first
            constant, end; shape `(variables, 9)`.
        constants: Constants of all kernels, one after the other.
    """

    spans: Int64
    constants: Float64


class KernelWeights(NamedTuple):
    """A network whose units are sorted by degree, and no ordering folded in.

    Attributes:
        starts: Number of units of a degree below i, `(layers or 1, variables + 2)`.
        first: Rows of W transposed, then those of U, `(inputs [+ variables], width)`.
        hidden: Weights between hidden layers, masked, `(layers - 1, widest, widest)`; its last
            dimension, and that of the two below, is filled up to a multiple of the lanes.
        biases: Hidden biases, `(layers or 1, widest)`.
        output: V, `(outputs, width)`.
        output_bias: c, `(outputs,)`.
        direct: A, `(outputs, inputs)`, or `(0, 0)`.
        activation: 0 relu, 1 softplus, 2 tanh.
        residual: Whether layers after the first add to the one before.
    """

    starts: Int64
    first: Float32
    hidden: Float32
    biases: Float32
    output: Float32
    output_bias: Float32
    direct: Float32
    activation: int
    residual: bool


def float32(tensor: Tensor) -> Float32:
    """Return a tensor as a contiguous array on the CPU."""
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), dtype=np.float32)


def filled_up(matrix: Tensor, width: int = 0) -> Float32:
    """Pad a matrix with columns of zeros, on the CPU, up to a width or a multiple of the lanes."""
    own = float32(matrix)
    return np.pad(own, ((0, 0), (0, (width or padded(own.shape[1])) - own.shape[1])))


def kernel_layout(layout: Layout) -> KernelLayout:
    """Where units stand; the first uniform of a row has chosen its component."""
    spans = np.zeros((layout.variables, 9), dtype=np.int64)
    constants: list[Float64] = []
    size = 0
    for variable, column in enumerate(layout.columns):
        _, inputs, outputs, noise = layout.single(variable)
        kind, kernel = kernel_of(column)
        own = kernel.constants(column)
        spans[variable] = [
            kind, inputs.start, inputs.stop, outputs.start, outputs.stop,
            noise.start + 1, noise.stop + 1, size, size + len(own),
        ]  # fmt: skip
        constants.append(own)
        size += len(own)
    return KernelLayout(spans, np.concatenate(constants))


def kernel_weights(network: SortedNetwork, layout: Layout) -> KernelWeights:
    """Return the weights of a network, hidden layers of several widths padded to one.

    Args:
        network: The network, units sorted by degree.
        layout: The variables.
    """
    layers = len(network.degrees)
    widths = [len(degree) for degree in network.degrees] or [0]
    widest = max(widths)
    starts = network.starts if layers else np.zeros((1, layout.variables + 2), np.int64)
    first = np.zeros((0, 0), np.float32)
    if layers:
        blocks = [network.weights[0].T]
        if network.conditioning_weight is not None:
            blocks.append(network.conditioning_weight.T)
        first = float32(torch.cat(blocks))
    hidden = np.zeros((max(layers - 1, 0), widest, padded(widest)), np.float32)
    biases = np.zeros((max(layers, 1), widest), np.float32)
    for layer in range(layers):
        biases[layer, : widths[layer]] = float32(network.biases[layer])
        if layer > 0:
            seen = network.degrees[layer][:, None] >= network.degrees[layer - 1]
            own = float32(network.weights[layer]) * seen
            hidden[layer - 1, : widths[layer], : widths[layer - 1]] = own
    nothing = np.zeros((layout.outputs, 0), np.float32)
    output, direct = network.output_weight, network.direct_weight
    return KernelWeights(
        starts=starts,
        first=first,
        hidden=hidden,
        biases=biases,
        output=nothing if output is None else filled_up(output),
        output_bias=float32(network.output_bias),
        direct=np.zeros((0, 0), np.float32) if direct is None else filled_up(direct),
        activation=ACTIVATIONS.index(network.activation),
        residual=network.residual,
    )

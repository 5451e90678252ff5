"""Walks: rows that go through their orderings position by position, each unit computed once.

A walk takes what is observed, draws what is not, and sums the conditionals of what it is asked
to score: it is how rows are sampled, filled and, where something is missing, scored. There is
one implementation a device.
"""

from typing import Protocol

from madeira.models.arrays import Float32, Float64, Int64
from madeira.models.columns.kernels import KERNELS
from madeira.models.columns.layout import Layout
from madeira.models.inference.walk.cpu_walk import CpuWalk
from madeira.models.inference.walk.torch_walk import TorchWalk
from madeira.models.inference.weights.sorted import SortedNetwork

__all__ = ["Walk", "compiled_on", "walk_on"]


class Walk(Protocol):
    """Walks with one network under one choice of degrees."""

    @property
    def size_bytes(self) -> int:
        """Memory that the weights take."""

    def score(self, values: Float64, orders: Int64, stops: Int64) -> Float64:
        """Log-likelihood of the first values of each row's ordering.

        Args:
            values: Encoded values, those to be scored known, `(rows, variables)`.
            orders: The variable at each position, `(rows, variables)`, or `(1, variables)`.
            stops: Number of values to score, at least 1, `(rows,)`.

        Returns:
            Nats of all of them, and of the last one given the others, `(rows, 2)`.
        """

    def draw(
        self,
        values: Float64,
        orders: Int64,
        noise: Float64,
        temperature: float,
        within_range: bool,
        folded: Int64 | None = None,
    ) -> None:
        """Draws what is missing, in the order of the positions, into `values`.

        Args:
            values: Encoded values, NaN to be drawn, `(rows, variables)`.
            orders: The variable at each position, `(rows, variables)`, or `(1, variables)`.
            noise: Uniforms in (0, 1), the first of each row not for here, `(rows, noise + 1)`.
            temperature: Of the draws.
            within_range: Whether amounts are drawn between the ends seen in training.
            folded: Positions of an ordering that all rows share and that will come again: its
                conditioning weights are folded into the biases once. Shape `(variables,)`.
        """

    def predictive(self, values: Float64, orders: Int64) -> Float32:
        """Parameters of every missing variable's conditional given what is observed of its row.

        Args:
            values: Encoded values, NaN where missing, `(rows, variables)`.
            orders: The variable at each position, the observed ones first and in the order of
                one and the same ordering, `(rows, variables)` or `(1, variables)`.

        Returns:
            Shape `(rows, outputs)`; those of observed variables mean nothing.
        """


def compiled_on(layout: Layout) -> bool:
    """Whether everything is computed by compiled kernels: on the CPU, where all kinds have one."""
    return layout.device.type == "cpu" and all(c.kind in KERNELS for c in layout.columns)


def walk_on(network: SortedNetwork, layout: Layout) -> Walk:
    """The walk of a network on the layout's device.

    A column kind that has no compiled kernel is walked in PyTorch on any device.
    """
    return CpuWalk(network, layout) if compiled_on(layout) else TorchWalk(network, layout)

"""Walks: rows pass through their orderings position by position; each unit is computed once.

A walk keeps observed values, draws missing ones, and sums the conditionals of the values to score.
Rows are sampled and imputed by walks, and scored by them where values are missing. There is one
implementation for each device.
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

    def conditionals(
        self, values: Float64, orders: Int64, stops: Int64, last: bool
    ) -> tuple[Float64, Float32]:
        """`score`, and the parameters of the conditionals that it evaluated.

        Args:
            values: As for `score`, as are `orders` and `stops`.
            orders: See there.
            stops: See there.
            last: Whether the conditional of the last value alone is wanted.

        Returns:
            What `score` gives, and parameters, `(rows, outputs)`; those of the last value alone
            stand at the front of `(rows, most outputs of a variable)`. Others mean nothing.
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
        """Draw missing values, in the order of the positions, into `values`.

        Args:
            values: Encoded values, NaN to be drawn, `(rows, variables)`.
            orders: The variable at each position, `(rows, variables)`, or `(1, variables)`.
            noise: Uniforms in (0, 1), `(rows, noise + 1)`; the first of each row is not used here.
            temperature: Of the draws.
            within_range: Whether numbers are drawn between the ends seen in training.
            folded: Positions of an ordering that all rows share and later calls will reuse: its
                conditioning weights are folded into the biases once. Shape `(variables,)`.
        """

    def predictive(self, values: Float64, orders: Int64) -> Float32:
        """Parameters of every missing variable's conditional given the observed values of its row.

        Args:
            values: Encoded values, NaN where missing, `(rows, variables)`.
            orders: The variable at each position, the observed ones first and in the order of
                one and the same ordering, `(rows, variables)` or `(1, variables)`.

        Returns:
            Shape `(rows, outputs)`; those of observed variables mean nothing.
        """


def compiled_on(layout: Layout) -> bool:
    """Whether everything is computed by compiled kernels: on the CPU, where all kinds have one."""
    return layout.device.type == "cpu" and all(c.head_type in KERNELS for c in layout.columns)


def walk_on(network: SortedNetwork, layout: Layout) -> Walk:
    """Return the walk of a network on the layout's device.

    A column kind that has no compiled kernel is walked in PyTorch on any device.

    Args:
        network: The network, units sorted by degree.
        layout: The variables.
    """
    return CpuWalk(network, layout) if compiled_on(layout) else TorchWalk(network, layout)

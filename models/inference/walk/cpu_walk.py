"""Walks on the CPU: the compiled kernel, its tables, and the threads that run it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np
import torch

from madeira.models.arrays import Float32, Float64, Int64
from madeira.models.columns.layout import Layout
from madeira.models.inference.walk.kernel import walk
from madeira.models.inference.walk.kernel_tables import float32, kernel_layout, kernel_weights
from madeira.models.inference.walk.pass_kernel import PassWeights, full_pass, pass_weights
from madeira.models.inference.walk.predictive_kernel import predict
from madeira.models.inference.weights.folded import FoldedNetwork
from madeira.models.inference.weights.sorted import SortedNetwork

__all__ = ["CpuPass", "CpuWalk", "in_parallel"]


TILE_ROWS = 32
BLOCK_UNITS = 16
MAX_BLOCK_UNITS = 32
MIN_SHARE_ROWS = 4


class CpuWalk:
    """Walks rows through orderings with one network.

    Args:
        network: The network, units sorted by degree.
        layout: The variables.
    """

    def __init__(self, network: SortedNetwork, layout: Layout) -> None:
        self._network = network
        self._layout = kernel_layout(layout)
        self._weights = kernel_weights(network, layout)
        self._bias = float32(network.biases[0]) if network.biases else np.zeros(0, np.float32)
        self._biases: dict[bytes, Float32] = {}
        widest = max((len(bias) for bias in network.biases), default=1)
        per_block = BLOCK_UNITS * layout.variables // widest
        self._block = min(max(per_block, 1), MAX_BLOCK_UNITS)
        sizes = np.sort(self._layout.spans[:, 4] - self._layout.spans[:, 3])
        self._max_outputs = int(sizes[-1])
        self._widest_block = int(sizes[-self._block :].sum())

    @property
    def size_bytes(self) -> int:
        """Memory that the weights take."""
        return sum(array.nbytes for array in self._weights if isinstance(array, np.ndarray))

    def score(self, values: Float64, orders: Int64, stops: Int64) -> Float64:
        """Log-likelihood of the first values of each row's ordering; see `Walk.score`."""
        return self._scored(values, orders, stops, np.zeros((0, 0), np.float32), False)

    def conditionals(
        self, values: Float64, orders: Int64, stops: Int64, last: bool
    ) -> tuple[Float64, Float32]:
        """Return the same with the parameters of conditionals; see `Walk.conditionals`."""
        width = self._max_outputs if last else len(self._weights.output_bias)
        kept = np.zeros((len(values), width), np.float32)
        return self._scored(values, orders, stops, kept, last), kept

    def _scored(
        self, values: Float64, orders: Int64, stops: Int64, kept: Float32, last: bool
    ) -> Float64:
        totals = np.zeros((len(values), 2))
        values = np.require(values, np.float64, ["C", "W"])
        nothing = np.zeros((1, 1))
        self._run(values, orders, stops, True, nothing, 1.0, False, totals, None, kept, last)
        return totals

    def draw(
        self,
        values: Float64,
        orders: Int64,
        noise: Float64,
        temperature: float,
        within_range: bool,
        folded: Int64 | None = None,
    ) -> None:
        """Draw missing values into `values`; see `Walk.draw`."""
        stops = np.full(len(values), values.shape[1])
        totals = np.zeros((1, 2))
        bias = self._folded_bias(folded) if folded is not None else None
        kept = np.zeros((0, 0), np.float32)
        parts = (values, orders, stops, False, noise, temperature, within_range, totals, bias)
        self._run(*parts, kept, False)

    def predictive(self, values: Float64, orders: Int64) -> Float32:
        """Every missing variable's conditional given the evidence; see `Walk.predictive`."""
        outputs = len(self._weights.output_bias)
        parameters = np.zeros((len(values), outputs), np.float32)
        conditioning = self._network.conditioning_weight is not None

        def part(rows: slice) -> None:
            predict(
                self._layout,
                self._weights,
                self._bias,
                conditioning,
                orders[rows],
                values[rows],
                parameters[rows],
                TILE_ROWS,
            )

        values = np.require(values, np.float64, ["C", "W"])
        orders = np.ascontiguousarray(np.broadcast_to(orders, values.shape))
        in_parallel(part, len(values))
        return parameters

    def _folded_bias(self, positions: Int64) -> Float32 | None:
        """Bias of the first layer under one ordering, `(width,)`."""
        if self._network.conditioning_weight is None:
            return None
        key = positions.tobytes()
        if key not in self._biases:
            self._biases[key] = float32(self._network.first_bias(positions))
        return self._biases[key]

    def _run(
        self,
        values: Float64,
        orders: Int64,
        stops: Int64,
        scored: bool,
        noise: Float64,
        temperature: float,
        within_range: bool,
        totals: Float64,
        first_bias: Float32 | None,
        kept: Float32,
        last_kept: bool,
    ) -> None:
        conditioning = first_bias is None and self._network.conditioning_weight is not None
        bias = self._bias if first_bias is None else first_bias
        shared = len(orders) == 1

        def part(rows: slice) -> None:
            walk(
                self._layout,
                self._weights,
                bias,
                conditioning,
                orders if shared else orders[rows],
                stops[rows],
                scored,
                values[rows],
                noise if scored else noise[rows],
                temperature,
                within_range,
                totals[rows] if scored else totals,
                kept[rows],
                last_kept,
                TILE_ROWS,
                self._block,
                self._widest_block,
            )

        in_parallel(part, len(values))


class CpuPass:
    """Full passes of complete rows with one folded network.

    Args:
        folded: The network, hidden units sorted by degree.
        layout: The variables.
    """

    def __init__(self, folded: FoldedNetwork, layout: Layout) -> None:
        self._weights: PassWeights = pass_weights(folded, layout, kernel_layout(layout))

    @property
    def size_bytes(self) -> int:
        """Memory that the weights take."""
        return sum(array.nbytes for array in self._weights if isinstance(array, np.ndarray))

    def score(self, values: Float64) -> Float64:
        """Log-likelihood of complete rows, `(rows, variables)` -> `(rows,)`."""
        values = np.require(values, np.float64, ["C", "W"])
        totals = np.empty(len(values))

        def part(rows: slice) -> None:
            full_pass(self._weights, values[rows], totals[rows])

        in_parallel(part, len(values))
        return totals


def in_parallel(work: Callable[[slice], None], rows: int) -> None:
    """Run work on shares of the rows, in as many threads as torch is set to use.

    The compiled loop holds no GIL. One pool of threads is safe to use from any thread; numba's own
    parallel loops are not, on some platforms.

    Args:
        work: Called with each share of the rows.
        rows: Number of rows.
    """
    threads = min(torch.get_num_threads(), rows // MIN_SHARE_ROWS)
    if threads <= 1:
        work(slice(0, rows))
        return
    bounds = [rows * index // threads for index in range(threads + 1)]
    shares = [slice(a, b) for a, b in pairwise(bounds)]
    waiting = [_pool(os.getpid()).submit(work, share) for share in shares[1:]]
    work(shares[0])
    for future in waiting:
        future.result()


@cache
def _pool(_: int) -> ThreadPoolExecutor:
    """One pool a process."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="walk")

"""Walks in PyTorch: all rows of a batch are at the same position together.

Hidden units belong to positions, not variables, so the rows of a batch share the products
between hidden layers under any orderings; the first layer and the outputs gather the weights
of the variable that stands at position i of each row. Nothing in a pass waits for the device, so
that on CUDA the steps of a pass are captured once for each size of batch and replayed.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from madeira.models.arrays import Float32, Float64, Int64
from madeira.models.columns.layout import Layout
from madeira.models.inference.predictive import predictive_parameters
from madeira.models.inference.walk.cuda_graphs import Drawing, Graphs
from madeira.models.inference.walk.rowwise_heads import RowwiseHeads
from madeira.models.inference.weights.sorted import SortedNetwork
from madeira.models.made.network import ACTIVATIONS

__all__ = ["TorchWalk"]


MAX_GATHERED_NUMBERS = 64 * 2**20


class TorchWalk:
    """Walks rows through orderings with one network; see `madeira.models.inference.walk.walk.Walk`.

    Args:
        network: The network, units sorted by degree, on the layout's device.
        layout: The variables.
    """

    def __init__(self, network: SortedNetwork, layout: Layout) -> None:
        self._network, self._layout = network, layout
        self._heads = RowwiseHeads(layout)
        self._starts = network.starts.tolist()
        self._activation: Callable[[Tensor], Tensor] = ACTIVATIONS[network.activation]  # type: ignore[index]
        widest = max((len(bias) for bias in network.biases), default=1)
        gathered = widest * max(self._heads.max_outputs, self._heads.max_inputs)
        self._most_rows = max(1, MAX_GATHERED_NUMBERS // gathered)
        self._graphs = Graphs(self._pass) if layout.device.type == "cuda" else None

    @property
    def size_bytes(self) -> int:
        """Memory that the weights take."""
        return self._network.size_bytes

    def score(self, values: Float64, orders: Int64, stops: Int64) -> Float64:
        """Log-likelihood of the first values of each row's ordering; see `Walk.score`."""
        return self.conditionals(values, orders, stops, True)[0]

    def conditionals(
        self, values: Float64, orders: Int64, stops: Int64, last: bool
    ) -> tuple[Float64, Float32]:
        """Return the same with the parameters of conditionals; see `Walk.conditionals`."""
        noise = np.full((len(values), self._layout.noise + 1), 0.5)
        totals = np.empty((len(values), 2))
        kept = np.empty((len(values), self._layout.outputs), np.float32)
        for rows in self._parts(len(values)):
            mine = orders if len(orders) == 1 else orders[rows]
            parts = (values[rows], mine, stops[rows], noise[rows])
            _, totals[rows], kept[rows] = self._run(*parts, Drawing(), scored=True)
        if last:
            every = np.broadcast_to(orders, values.shape)
            final = torch.as_tensor(every[np.arange(len(values)), stops - 1])
            units = self._heads.output_units(final.to(self._layout.device)).cpu().numpy()
            kept = np.take_along_axis(kept, units, axis=1)
        return totals, kept

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
        missing = np.isnan(values)
        for rows in self._parts(len(values)):
            mine = orders if len(orders) == 1 else orders[rows]
            parts = (values[rows], mine, stops[rows], noise[rows])
            drawn = self._run(*parts, Drawing(temperature, within_range), scored=False)[0]
            values[rows] = np.where(missing[rows], drawn, values[rows])

    def predictive(self, values: Float64, orders: Int64) -> Float32:
        """Every missing variable's conditional given the evidence; see `Walk.predictive`."""
        given = torch.as_tensor(values, dtype=self._layout.value_dtype, device=self._layout.device)
        parameters = predictive_parameters(self._network, self._layout, orders, given)
        return parameters.float().cpu().numpy()

    def _parts(self, rows: int) -> list[slice]:
        size = self._most_rows
        return [slice(start, start + size) for start in range(0, rows, size)]

    @torch.inference_mode()
    def _run(
        self,
        values: Float64,
        orders: Int64,
        stops: Int64,
        noise: Float64,
        drawing: Drawing,
        scored: bool,
    ) -> tuple[Float64, Float64, Float32]:
        device = self._layout.device
        orders = np.broadcast_to(orders, values.shape)
        arrays = (values, orders, stops, noise[:, 1:])
        inputs = tuple(torch.tensor(array, device=device) for array in arrays)
        if self._graphs is not None:
            known, totals, kept = self._graphs(inputs, drawing, scored)
        else:
            known, totals, kept = self._pass(inputs, drawing, scored)
        return known.cpu().numpy(), totals.cpu().numpy(), kept.cpu().numpy()

    def _pass(
        self,
        given: tuple[Tensor, ...],
        drawing: Drawing,
        scored: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run all steps of a batch.

        Returns:
            Values with the draws, totals `(rows, 2)`, and parameters `(rows, outputs)` of what
            was scored.
        """
        values, orders, stops, noise = given
        network, heads, rows = self._network, self._heads, len(values)
        values = values.clone()
        totals = values.new_zeros(rows, 2)
        kept = network.output_bias.new_zeros(rows, self._layout.outputs if scored else 0)
        inputs = torch.zeros(rows, self._layout.inputs, device=values.device)
        before = [bias.expand(rows, -1).clone() for bias in network.biases]
        active = [torch.zeros_like(pre) for pre in before]
        if before:
            self._units_of_degree(0, before, active)
        for i in range(1, self._layout.variables + 1):
            variable = orders[:, i - 1]
            own = values.gather(1, variable[:, None])[:, 0]
            outputs = heads.output_units(variable)  # (rows, most outputs)
            parameters = network.output_bias[outputs]
            if network.output_weight is not None:
                reach = self._starts[-1][i]
                weight = network.output_weight[:, :reach][outputs]
                parameters = parameters + (weight @ active[-1][:, :reach, None])[:, :, 0]
            if network.direct_weight is not None:
                weight = network.direct_weight[outputs]
                parameters = parameters + (weight @ inputs[:, :, None])[:, :, 0]
            if scored:
                terms = heads.log_prob(variable, parameters, values).double()
                kept.scatter_(1, outputs, parameters)
                counted = i <= stops
                totals[:, 0] += torch.where(counted, terms, 0.0)
                totals[:, 1] = torch.where(counted, terms, totals[:, 1])
            else:
                drawn = heads.sample(variable, parameters, noise, *drawing)
                own = torch.where(own.isnan(), drawn.to(own.dtype), own)
                values.scatter_(1, variable[:, None], own[:, None])
            if i == self._layout.variables:
                break
            units, features = heads.features(variable, values)
            inputs.scatter_add_(1, units, features)
            if before:
                later = self._starts[0][i]
                gained = (features[:, None] @ network.weights[0][later:].T[units])[:, 0]
                if network.conditioning_weight is not None:
                    gained = gained + network.conditioning_weight[later:].T[variable]
                before[0][:, later:] += gained
                self._units_of_degree(i, before, active)
        return values, totals, kept

    def _units_of_degree(self, degree: int, before: list[Tensor], active: list[Tensor]) -> None:
        """Compute the hidden units of one degree, layer after layer."""
        for layer, (pre, post) in enumerate(zip(before, active, strict=True)):
            units = slice(self._starts[layer][degree], self._starts[layer][degree + 1])
            if units.start == units.stop:
                continue
            if layer > 0:
                seen = self._starts[layer - 1][degree + 1]
                weight = self._network.weights[layer][units, :seen]
                pre[:, units] += active[layer - 1][:, :seen] @ weight.T
                if self._network.residual:
                    pre[:, units] += before[layer - 1][:, units]
            post[:, units] = self._activation(pre[:, units])

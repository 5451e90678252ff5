"""Evaluation of a mixture's components: full passes for complete rows, walks for all others.

On the CPU everything is compiled, and the result of a row depends on that row alone, bit for bit.
In PyTorch the order of summation depends on the shape of a product.

Weights are prepared when first needed and kept within a byte budget. Rows are cut into chunks, so
that a request of any size takes bounded memory.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Protocol, TypeVar

import numpy as np
import torch

from madeira.models.arrays import Bool, Float32, Float64, Int64
from madeira.models.columns.layout import Layout
from madeira.models.inference.member import Component, Member
from madeira.models.inference.walk.cpu_walk import CpuPass
from madeira.models.inference.walk.tail_kernel import (
    TailLayout,
    cell_tails,
    row_tails,
    tail_layout,
)
from madeira.models.inference.walk.walk import Walk, compiled_on, walk_on
from madeira.models.inference.weights.blocked import BlockedNetwork
from madeira.models.inference.weights.folded import fold
from madeira.models.inference.weights.sorted import SortedNetwork, sort_units
from madeira.models.made.ordering import evidence_first

__all__ = ["Engine"]


MAX_PREPARED_BYTES = 256 * 2**20
MAX_WALKED_NUMBERS = 8 * 2**20
MAX_PASSED_NUMBERS = 2**20  # an array of so many stays in the processor's last cache
PASSED_ROWS = 256  # smallest chunk of a larger input: below it, re-reading the weights dominates


class _Sized(Protocol):
    @property
    def size_bytes(self) -> int: ...


_Prepared = TypeVar("_Prepared", bound=_Sized)


class Engine:
    """Evaluates and draws with the components of a mixture.

    Args:
        members: The trained networks; all of one layout and on its device.
        layout: The variables.
    """

    def __init__(self, members: Sequence[Member], layout: Layout) -> None:
        self._members = tuple(members)
        self._layout = layout
        self._compiled = compiled_on(layout)
        self._folded: OrderedDict[object, BlockedNetwork] = OrderedDict()
        self._passes: OrderedDict[object, CpuPass] = OrderedDict()
        self._walks: OrderedDict[object, Walk] = OrderedDict()
        self._sorted: OrderedDict[object, SortedNetwork] = OrderedDict()

    @cached_property
    def _tables(self) -> TailLayout:
        """What tail probabilities need to know of the layout."""
        return tail_layout(self._layout)

    def score_complete(self, components: Sequence[Component], values: Float64) -> Float64:
        """Log-likelihood of complete rows under each of some components.

        Args:
            components: Any.
            values: Shape `(rows, variables)`, nothing missing.

        Returns:
            Nats, `(rows, components)`.
        """
        if not self._compiled:
            return self._passed(components, values)
        return np.stack([self._pass(one).score(values) for one in components], axis=1)

    def _passed(self, components: Sequence[Component], values: Float64) -> Float64:
        """Return the same in PyTorch, of as many components at once as leave room for the rows."""
        widths = [width for member in self._members for width in member.network.config.hidden]
        widest = max(self._layout.inputs, self._layout.outputs, *widths)
        rows = max(1, min(len(values), PASSED_ROWS))
        most = max(1, MAX_PASSED_NUMBERS // (widest * rows))
        parts = [components[start : start + most] for start in range(0, len(components), most)]
        return np.hstack([self._passed_together(part, values) for part in parts])

    @torch.inference_mode()
    def _passed_together(self, components: Sequence[Component], values: Float64) -> Float64:
        """Full passes of some components; the heads see the rows of all of them at once."""
        layout, device = self._layout, self._layout.device
        networks = [self._network(component) for component in components]
        numbers = max(layout.inputs, len(networks) * max(one.widest for one in networks))
        result = np.empty((len(values), len(networks)))
        for chunk in _chunks(len(values), MAX_PASSED_NUMBERS, numbers):
            part = torch.as_tensor(values[chunk], dtype=layout.value_dtype, device=device)
            everything = torch.ones_like(part, dtype=torch.bool)
            features = layout.features(part, everything).float()
            parameters = torch.cat([network(features) for network in networks])
            terms = layout.log_prob(parameters, part.repeat(len(networks), 1))
            sums = terms.sum(dim=1, dtype=torch.float64).view(len(networks), -1)
            result[chunk] = sums.T.cpu().numpy()
        return result

    def score_evidence(
        self,
        component: Component,
        values: Float64,
        observed: Bool,
        last_observed: Int64 | None = None,
    ) -> Float64:
        """Log-likelihood of the observed values of rows.

        Args:
            component: One that answers these rows.
            values: Shape `(rows, variables)`.
            observed: Which of them are known; at least one in every row.
            last_observed: Of each row, an observed variable that comes after all others.

        Returns:
            Nats of all that is observed, and of the last of it given the rest, `(rows, 2)`.
        """
        walk = self._walk(component)
        result = np.empty((len(values), 2))
        for chunk in _chunks(len(values), MAX_WALKED_NUMBERS, self._layout.variables):
            known = observed[chunk]
            last = None if last_observed is None else last_observed[chunk]
            stops = known.sum(axis=1)
            result[chunk] = walk.score(values[chunk], component.orders(known, last), stops)
        return result

    def score_last(
        self, component: Component, values: Float64, observed: Bool, last_observed: Int64
    ) -> tuple[Float64, Float32]:
        """`score_evidence`, and parameters of the last conditional, `(rows, most outputs)`."""
        orders, stops = component.orders(observed, last_observed), observed.sum(axis=1)
        return self._walk(component).conditionals(values, orders, stops, True)

    def cell_tails(
        self, variables: Int64, values: Float64, parameters: Float32, shares: Float64
    ) -> Float64:
        """Tail probability of one cell of each row, under a mixture of networks.

        Args:
            variables: The cell, `(rows,)`.
            values: Shape `(rows, variables)`.
            parameters: Of its conditional, `(rows, networks, most outputs)`.
            shares: Of the networks, `(rows, networks)`.

        Returns:
            Shape `(rows,)`, positive.
        """
        rows = np.arange(len(values))
        own = np.ascontiguousarray(values[rows, variables])
        return cell_tails(self._tables, rows, variables, own, parameters, shares)

    def row_tails(
        self, component: Component, values: Float64, observed: Bool, orders: Int64
    ) -> Float64:
        """Tail probabilities of rows, each along an ordering of its own.

        Args:
            component: One whose walk the rows share; its own ordering is not used.
            values: Shape `(rows, variables)`.
            observed: Which of them are known; at least one in every row.
            orders: The variable at each position, `(rows, variables)`; of any-order components
                the nearest ordering that puts the evidence first is taken.

        Returns:
            Shape `(rows,)`, positive.
        """
        walk = self._walk(component)
        result = np.empty(len(values))
        widest = max(self._layout.variables, self._layout.outputs)
        for chunk in _chunks(len(values), MAX_WALKED_NUMBERS, widest):
            known, order = observed[chunk], orders[chunk]
            if component.any_order and not known.all():
                order = evidence_first(order, known)
            _, parameters = walk.conditionals(values[chunk], order, known.sum(axis=1), False)
            result[chunk] = row_tails(self._tables, values[chunk], parameters)
        return result

    def draw(
        self,
        component: Component,
        values: Float64,
        noise: Float64,
        temperature: float,
        within_range: bool,
        order: Int64 | None = None,
    ) -> Float64:
        """Draw the missing values of rows given the observed ones.

        Args:
            component: One that answers these rows.
            values: NaN where a value is to be drawn, `(rows, variables)`.
            noise: Uniforms, `(rows, noise + 1)`, the first of them spent.
            temperature: Of the draws.
            within_range: Whether numbers are drawn between the ends seen in training.
            order: The variable at each position, `(rows, variables)`, from which the nearest
                ordering that puts the evidence first is taken; None for that of the component.

        Returns:
            Shape `(rows, variables)`.
        """
        walk = self._walk(component)
        result = values.copy()
        for chunk in _chunks(len(values), MAX_WALKED_NUMBERS, self._layout.variables):
            observed = ~np.isnan(values[chunk])
            own = observed.any(axis=1) & component.any_order  # rows with orderings of their own
            own |= order is not None
            for some in (own, ~own):
                if not some.any():
                    continue
                rows = chunk if some.all() else np.arange(len(values))[chunk][some]
                drawn = result[rows]
                uniforms = np.require(noise[rows], np.float64, ["C", "W"])
                if some is own:
                    base = component.order if order is None else order[rows]
                    orders, folded = evidence_first(base, observed[some]), None
                else:
                    orders, folded = component.orders(observed[some][:1]), component.mask.positions
                walk.draw(drawn, orders, uniforms, temperature, within_range, folded)
                result[rows] = drawn
        return result

    def predictive_chunks(self, rows: int) -> Iterator[slice]:
        """Cuts of so many rows that the parameters of all components are bounded."""
        components = sum(len(member.masks) for member in self._members)
        return _chunks(rows, MAX_WALKED_NUMBERS, components * max(self._layout.outputs, 1))

    def predictive(self, components: Sequence[Component], values: Float64) -> Float32:
        """Every missing variable's conditional given the evidence alone.

        Args:
            components: Of any order.
            values: NaN where missing, `(rows, variables)`.

        Returns:
            Parameters, `(components, rows, outputs)`.
        """
        observed = ~np.isnan(values)
        return np.stack(
            [self._walk(one).predictive(values, one.orders(observed)) for one in components]
        )

    def prepare(self, component: Component) -> None:
        """Prepare the weights of a component before they are asked for."""
        if self._compiled:
            self._pass(component)
        else:
            self._network(component)
        self._walk(component)

    def _pass(self, component: Component) -> CpuPass:
        """Compiled full passes of a component in its own ordering."""

        def prepare() -> CpuPass:
            network = self._members[component.member].network
            return CpuPass(fold(network, component.mask), self._layout)

        return _kept(self._passes, (component.member, id(component.mask)), prepare)

    def _network(self, component: Component) -> BlockedNetwork:
        """Return the folded weights of a component in its own ordering."""

        def prepare() -> BlockedNetwork:
            network = self._members[component.member].network
            return BlockedNetwork(fold(network, component.mask), self._layout)

        return _kept(self._folded, (component.member, id(component.mask)), prepare)

    def _walk(self, component: Component) -> Walk:
        """Return the walk of a component; those of one network and the same degrees share it."""

        def prepare() -> Walk:
            return walk_on(self._sorted_network(component), self._layout)

        return _kept(self._walks, component.degrees_key, prepare)

    def _sorted_network(self, component: Component) -> SortedNetwork:
        """Units sorted by degree; components of one network and the same degrees share them."""
        network = self._members[component.member].network

        def prepare() -> SortedNetwork:
            return sort_units(network, component.mask.degrees)

        return _kept(self._sorted, component.degrees_key, prepare)


def _kept(
    store: "OrderedDict[object, _Prepared]", key: object, prepare: Callable[[], _Prepared]
) -> _Prepared:
    """Look up or prepare the entry of a key; the least recently used go beyond the budget."""
    known = store.pop(key, None)
    prepared = prepare() if known is None else known
    store[key] = prepared
    if known is None:
        total = sum(entry.size_bytes for entry in list(store.values()))
        while total > MAX_PREPARED_BYTES and len(store) > 1:
            total -= store.popitem(last=False)[1].size_bytes
    return prepared


def _chunks(rows: int, limit: int, numbers_per_row: int) -> Iterator[slice]:
    """Cut rows so that the largest intermediate array stays within a limit."""
    size = max(1, limit // numbers_per_row)
    return (slice(start, start + size) for start in range(0, rows, size))

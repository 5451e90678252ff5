"""A network with one mask for all training, as the nonzero blocks of its weights.

Units are sorted once, and only the blocks that the mask leaves are stored. Products, gradients,
the optimizer and the average of the weights see these blocks alone. (A network whose mask changes
with every minibatch keeps all its weights and gathers those that a mask shows; see
`madeira/models/made/products/`.)

With `reach`, a hidden unit of degree m is connected only to variables within `reach` steps of the
variable at position m + 1. With units sorted along a smooth ordering the weight matrix is then
banded.
"""

from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from madeira.models.arrays import Bool
from madeira.models.made.masks import Mask, MaskSource
from madeira.models.made.network import MADE, MaskTensors, through
from madeira.models.made.ordering import variables_in_order
from madeira.models.made.products.blocks import nonzero_blocks
from madeira.models.made.products.sorted_mask import INPUTS, OUTPUTS, VARIABLES, Units
from madeira.models.made.products.triangular import permuted
from madeira.models.training.config import MemberConfig

__all__ = ["Band", "BandedMADE", "blocks_of_one_mask"]


MAX_BLOCKS = 16
MIN_BLOCK_ROWS = 128
LANES = 32
ROWS_THAT_PAY = 128


class Band(nn.Module):
    """The weights of one matrix that a mask leaves, in blocks of rows.

    Args:
        weight: All weights, rows and columns sorted, shape `(rows, columns)`.
        visible: Which of them there are, same shape.
        dtype: What products are computed in.
    """

    assembled: Tensor

    def __init__(self, weight: Tensor, visible: Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        seen = visible.cpu().numpy()
        self.across, self.down = (
            nonzero_blocks(matrix, min(MAX_BLOCKS, max(1, len(matrix) // MIN_BLOCK_ROWS)), LANES)
            for matrix in (seen, seen.T)
        )
        kept = weight * visible
        self.blocks = nn.ParameterList(
            kept[start:stop, low:high].contiguous() for start, stop, low, high in self.across
        )
        self.visible = [
            visible[start:stop, low:high].to(dtype) for start, stop, low, high in self.across
        ]
        self.register_buffer("assembled", torch.zeros_like(weight, dtype=dtype), persistent=False)

    def forward(self, units: Tensor) -> Tensor:
        """`units @ weight.T`: `(batch, columns)` to `(batch, rows)`, in the type of `units`."""
        result: Tensor = _BandProduct.apply(  # type: ignore[no-untyped-call]
            units.to(self.assembled.dtype), self, *self.blocks
        )
        return result.to(units.dtype)

    def dense(self) -> Tensor:
        """All weights, zeros where the mask leaves none, shape `(rows, columns)`."""
        weight = torch.zeros_like(self.assembled, dtype=torch.float32)
        for (start, stop, low, high), block in zip(self.across, self.blocks, strict=True):
            weight[start:stop, low:high] = block.detach()
        return weight


class BandedMADE(nn.Module):
    """The same function as a `MADE` under one mask, to be trained in its place.

    Args:
        network: The network; its weights are copied.
        mask: The one mask that it is trained and used with.
        neighbourhood: Which variables are within reach of which, `(D, D)`; None is all of all.
        dtype: What products are computed in; everything else is in float32.
    """

    def __init__(
        self, network: MADE, mask: Mask, neighbourhood: Bool | None, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.config, self.layout = network.config, network.layout
        self._places = _Places(network, mask, neighbourhood)
        self._dtype = dtype
        hidden = range(len(network.config.hidden))
        self.hidden_weights = nn.ModuleList(
            self._band(network.hidden_weights[layer], layer, _before(layer)) for layer in hidden
        )
        self.hidden_biases = nn.ParameterList(
            network.hidden_biases[layer].detach()[self._places.order(layer)] for layer in hidden
        )
        self.output_bias = nn.Parameter(
            network.output_bias.detach()[self._places.order(OUTPUTS)].clone()
        )
        self.output_weight = self._optional(network.output_weight, OUTPUTS, len(hidden) - 1)
        self.conditioning_weight = self._optional(network.conditioning_weight, 0, VARIABLES)
        self.direct_weight = self._optional(network.direct_weight, OUTPUTS, INPUTS)

    def forward(
        self,
        features: Tensor,
        observed: Tensor | None,
        _mask: MaskTensors | None = None,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
    ) -> Tensor:
        """Parameters of every variable's conditional; as `MADE.forward` under its mask."""
        if observed is None:
            observed = features.new_ones(1, self.layout.variables)
        if not self.training:
            dropout = input_dropout = 0.0
        return through(self, self._places, features, observed, dropout, input_dropout)

    @torch.no_grad()
    def write_to(self, network: MADE) -> None:
        """Give the weights to the network that this was made of."""
        hidden = range(len(self.config.hidden))
        for layer in hidden:
            band = cast(Band, self.hidden_weights[layer])
            self._write(network.hidden_weights[layer], band, layer, _before(layer))
            network.hidden_biases[layer][self._places.order(layer)] = self.hidden_biases[layer]
        network.output_bias[self._places.order(OUTPUTS)] = self.output_bias
        for name, after, before in (
            ("output_weight", OUTPUTS, len(hidden) - 1),
            ("conditioning_weight", 0, VARIABLES),
            ("direct_weight", OUTPUTS, INPUTS),
        ):
            weight = getattr(network, name)
            if weight is not None:
                self._write(weight, getattr(self, name), after, before)

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.output_bias.device

    def _band(self, weight: Tensor, after: Units, before: Units) -> Band:
        rows, columns = self._places.order(after), self._places.order(before)
        sorted_weight = weight.detach()[rows][:, columns]
        seen, visible = self._places.visible(after, before)
        # A unit that is joined with fewer starts with the norm that it had.
        norm = (sorted_weight * seen).norm(dim=1) / (sorted_weight * visible).norm(dim=1)
        scale = norm.nan_to_num(1.0, posinf=1.0)[:, None]
        return Band(sorted_weight * scale, visible, self._dtype)

    def _optional(self, weight: Tensor | None, after: Units, before: Units) -> Band | None:
        return None if weight is None else self._band(weight, after, before)

    def _write(self, weight: Tensor, band: Band, after: Units, before: Units) -> None:
        rows, columns = self._places.order(after), self._places.order(before)
        weight[rows[:, None], columns] = band.dense()


class _Places:
    """Where sorting puts units, and which of them a mask joins; the `Products` of bands."""

    def __init__(self, network: MADE, mask: Mask, neighbourhood: Bool | None) -> None:
        layout = network.layout
        self._tensors = MaskTensors(mask, layout, layout.device)
        self._neighbourhood = (
            None if neighbourhood is None else torch.as_tensor(neighbourhood, device=layout.device)
        )
        order = variables_in_order(mask.positions)
        # The first variable that a unit of degree m leads to is the one at position m + 1.
        self._variable_of: dict[Units, Tensor] = {
            INPUTS: layout.variable_of_input,
            OUTPUTS: layout.variable_of_output,
            VARIABLES: torch.arange(layout.variables, device=layout.device),
        }
        for layer, degrees in enumerate(mask.degrees):
            self._variable_of[layer] = torch.as_tensor(order[degrees], device=layout.device)
        self._orders: dict[Units, tuple[Tensor, Tensor]] = {}
        for units in self._variable_of:
            place = self._tensors.order(units)
            self._orders[units] = place, place.argsort()

    def order(self, of: Units) -> Tensor:
        """Place of each sorted unit among the unsorted, shape `(units,)`."""
        return self._orders[of][0]

    def sort(self, units: Tensor, of: Units) -> Tensor:
        """Columns of units in order: `(batch, units)` to the same."""
        return permuted(units, *self._orders[of])

    def unsort(self, units: Tensor, of: Units) -> Tensor:
        """Undo `sort`: `(batch, units)` to the same."""
        return permuted(units, *self._orders[of][::-1])

    def product(
        self, units: Tensor, weight: Band, bias: Tensor | None, _after: Units, _before: Units
    ) -> Tensor:
        """Return the product by a band of sorted units, plus the sorted bias."""
        result: Tensor = weight(units)
        return result if bias is None else result + bias

    def visible(self, after: Units, before: Units) -> tuple[Tensor, Tensor]:
        """Matrix of the mask, and the part of it within reach; both sorted, `(after, before)`.

        Direct weights reach everything.
        """
        rows, columns = self.order(after), self.order(before)
        seen = self._tensors.matrix(after, before)[rows][:, columns]
        if self._neighbourhood is None or (after, before) == (OUTPUTS, INPUTS):
            return seen, seen
        variables = self._variable_of[after][rows], self._variable_of[before][columns]
        return seen, seen & self._neighbourhood[variables[0][:, None], variables[1]]


class _Context(Protocol):
    """State that autograd keeps between a product and its gradients."""

    saved_tensors: tuple[Tensor]
    needs_input_grad: tuple[bool, ...]
    band: Band

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _BandProduct(torch.autograd.Function):
    """The product, and its gradients by the same blocks."""

    @staticmethod
    def forward(ctx: _Context, units: Tensor, band: Band, *blocks: Tensor) -> Tensor:
        assembled = band.assembled
        result = units.new_empty(len(units), len(assembled))
        for (start, stop, low, high), block in zip(band.across, blocks, strict=True):
            part = assembled[start:stop, low:high]
            part.copy_(block)
            torch.mm(units[:, low:high], part.T, out=result[:, start:stop])
        ctx.save_for_backward(units)
        ctx.band = band
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (units,) = ctx.saved_tensors
        band, of_units = ctx.band, None
        if ctx.needs_input_grad[0]:
            of_units = torch.empty_like(units)
            for start, stop, low, high in band.down:
                part = band.assembled[low:high, start:stop]
                torch.mm(gradient[:, low:high], part, out=of_units[:, start:stop])
        transposed = gradient.T
        of_blocks = [
            (transposed[start:stop] @ units[:, low:high]).mul_(visible).float()
            for (start, stop, low, high), visible in zip(band.across, band.visible, strict=True)
        ]
        return of_units, None, *of_blocks


def _before(layer: int) -> Units:
    """Return the units that lead to a hidden layer."""
    return layer - 1 if layer else INPUTS


def blocks_of_one_mask(
    config: MemberConfig, network: MADE, masks: MaskSource, batch_rows: int
) -> BandedMADE | None:
    """Make the banded network to train in place of one with a single mask, if that pays.

    Args:
        config: Its settings.
        network: The network, of initial weights.
        masks: Its masks.
        batch_rows: Rows a minibatch.
    """
    if config.masks.count != 1 or config.training.direct_rank is not None:
        return None
    local = config.masks.reach is not None and len(config.network.hidden) > 0
    if not (network.large or local):
        return None
    halves = config.training.mixed_precision and _halves(network, batch_rows)
    dtype = torch.bfloat16 if halves else torch.float32
    return BandedMADE(network, masks.answering[0], masks.statistics.neighbourhood, dtype)


def _halves(network: MADE, batch_rows: int) -> bool:
    """Whether products of bfloat16 are the faster ones.

    On CUDA they are. On a processor with instructions for them (AVX-512 BF16 or AMX) they are
    where a minibatch has rows enough to pay for converting the weights.
    """
    if network.device.type == "cuda":
        return True
    able = torch.cpu.get_capabilities()
    instructions = able.get("avx512_bf16") or able.get("amx_bf16")
    return bool(instructions) and network.large and batch_rows >= ROWS_THAT_PAY

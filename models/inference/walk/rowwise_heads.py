"""Heads for batches in which every row asks for another variable."""

import torch
from torch import Tensor

from madeira.models.columns.layout import Layout

__all__ = ["RowwiseHeads"]


class RowwiseHeads:
    """Evaluates one variable of each row: the one that stands at some position of its ordering.

    The units of a row's variable are padded to the most that any variable has. A head whose
    columns have one arithmetic evaluates them directly; any other evaluates all its columns,
    with the parameters of the row's own in place, and the row's own is taken.

    Args:
        layout: The variables.

    Attributes:
        max_inputs: Input units that a variable has at most.
        max_outputs: Output units that a variable has at most.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        device = layout.device
        singles = [layout.single(variable) for variable in range(layout.variables)]
        self.max_inputs = max((s.stop - s.start for _, s, _, _ in singles), default=0)
        self.max_outputs = max((s.stop - s.start for _, _, s, _ in singles), default=0)
        self._inputs = _padded([s for _, s, _, _ in singles], self.max_inputs).to(device)
        self._outputs = _padded([s for _, _, s, _ in singles], self.max_outputs).to(device)
        self._first_noise = torch.tensor([s.start for _, _, _, s in singles], device=device)
        heads = {type(head) for head, _, _, _ in singles}
        only = singles[0][0]
        self._only_head = only if len(heads) == 1 and only.interchangeable else None

    def output_units(self, variable: Tensor) -> Tensor:
        """Output units of each row's variable, `(rows,)` -> `(rows, max_outputs)`.

        Where a variable has fewer, its last one is repeated.
        """
        return self._outputs[variable]

    def features(self, variable: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Input units of each row's variable, and their features.

        Args:
            variable: One of each row, `(rows,)`.
            values: Encoded values, theirs known, `(rows, variables)`.

        Returns:
            Units `(rows, max_inputs)`, where a variable has fewer the last one again; and
            features of the same shape, float32, 0 for a unit that is there again.
        """
        units = self._inputs[variable]
        if self._only_head is not None:
            own = values.gather(1, variable[:, None]).float()
            return units, self._only_head.features(own, torch.ones_like(own, dtype=torch.bool))
        observed = torch.zeros_like(values, dtype=torch.bool).scatter_(1, variable[:, None], True)
        features = self._layout.features(values.float(), observed).gather(1, units)
        again = torch.zeros_like(features, dtype=torch.bool)
        again[:, 1:] = units[:, 1:] == units[:, :-1]
        return units, features.masked_fill(again, 0.0)

    def log_prob(self, variable: Tensor, parameters: Tensor, values: Tensor) -> Tensor:
        """Nats of each row's variable: `(rows, max_outputs)`, `(rows, D)` -> `(rows,)`."""
        if self._only_head is not None:
            own = values.gather(1, variable[:, None]).float()
            return self._only_head.log_prob(parameters, own)[:, 0]
        everything = self._in_place(variable, parameters)
        return self._layout.log_prob(everything, values.float()).gather(1, variable[:, None])[:, 0]

    def sample(
        self,
        variable: Tensor,
        parameters: Tensor,
        noise: Tensor,
        temperature: float,
        within_range: bool,
    ) -> Tensor:
        """Draw each row's variable: `(rows, max_outputs)`, `(rows, noise)` -> `(rows,)`."""
        if self._only_head is not None:
            places = self._first_noise[variable][:, None]
            places = places + torch.arange(self._only_head.noise, device=noise.device)
            uniforms = noise.gather(1, places)
            return self._only_head.sample(parameters, uniforms, temperature, within_range)[:, 0]
        everything = self._in_place(variable, parameters)
        drawn = self._layout.sample(everything, noise, temperature, within_range)
        return drawn.gather(1, variable[:, None])[:, 0]

    def _in_place(self, variable: Tensor, parameters: Tensor) -> Tensor:
        """Parameters of the row's variable among zeros for all others, `(rows, outputs)`."""
        everything = parameters.new_zeros(len(parameters), self._layout.outputs)
        return everything.scatter_(1, self._outputs[variable], parameters)


def _padded(spans: list[slice], width: int) -> Tensor:
    """Return the units of each variable, the last one repeated up to the width: `(D, width)`."""
    starts = torch.tensor([span.start for span in spans])
    ends = torch.tensor([span.stop for span in spans])
    units = starts[:, None] + torch.arange(width)
    return torch.minimum(units, (ends - 1)[:, None])

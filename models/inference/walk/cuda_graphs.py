"""Passes captured as CUDA graphs, so that a step costs no launch of its own from Python."""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Drawing", "Graphs"]

MAX_GRAPHS = 8
MIN_BUCKET_ROWS = 16


class Drawing(NamedTuple):
    """How values are drawn.

    Attributes:
        temperature: Below 1 for likelier values, above 1 for more varied ones.
        within_range: Whether numbers are drawn between the ends seen in training.
    """

    temperature: float = 1.0
    within_range: bool = False


Pass = Callable[[tuple[Tensor, ...], Drawing, bool], tuple[Tensor, Tensor, Tensor]]


class _Captured(NamedTuple):
    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, Tensor, Tensor]


class Graphs:
    """Captures a pass once for each size of batch, and replays it.

    Batches are filled up to the next power of two with copies of their last row, so that there
    are few sizes.

    Args:
        run: The pass: of tensors whose first dimension is the rows, how to draw, and whether
            to score.
    """

    def __init__(self, run: Pass) -> None:
        self._run = run
        self._captured: OrderedDict[tuple[int, Drawing, bool], _Captured] = OrderedDict()

    def __call__(
        self, inputs: tuple[Tensor, ...], drawing: Drawing, scored: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the pass on these rows; the arguments are those of the pass."""
        rows = len(inputs[0])
        bucket = max(MIN_BUCKET_ROWS, 1 << (rows - 1).bit_length())
        fill = torch.arange(bucket, device=inputs[0].device).clamp(max=rows - 1)
        inputs = tuple(tensor[fill] for tensor in inputs)
        key = (bucket, drawing, scored)
        captured = self._captured.pop(key, None) or self._capture(inputs, drawing, scored)
        self._captured[key] = captured
        if len(self._captured) > MAX_GRAPHS:
            self._captured.popitem(last=False)
        for place, tensor in zip(captured.inputs, inputs, strict=True):
            place.copy_(tensor)
        captured.graph.replay()
        values, totals, kept = captured.outputs
        return values[:rows].clone(), totals[:rows].clone(), kept[:rows].clone()

    def _capture(self, inputs: tuple[Tensor, ...], drawing: Drawing, scored: bool) -> _Captured:
        """Run the pass once, so that libraries set themselves up, and then captures it."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._run(inputs, drawing, scored)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self._run(inputs, drawing, scored)
        return _Captured(graph, inputs, outputs)

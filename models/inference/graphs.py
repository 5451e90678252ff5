"""Passes captured as CUDA graphs, so that a step costs no launch of its own from Python."""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Graphs"]

KEPT = 8
SMALLEST_BUCKET = 16

Pass = Callable[[tuple[Tensor, ...], float, bool], tuple[Tensor, Tensor]]


class _Captured(NamedTuple):
    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, Tensor]


class Graphs:
    """Captures a pass once for each size of batch, and replays it.

    Batches are filled up to the next power of two with copies of their last row, so that there
    are few sizes.

    Args:
        run: The pass: of tensors whose first dimension is the rows, a temperature, and whether
            to score.
    """

    def __init__(self, run: Pass) -> None:
        self._run = run
        self._captured: OrderedDict[tuple[int, float, bool], _Captured] = OrderedDict()

    def __call__(
        self, inputs: tuple[Tensor, ...], temperature: float, scored: bool
    ) -> tuple[Tensor, Tensor]:
        """The pass on these rows; the arguments are those of the pass."""
        rows = len(inputs[0])
        bucket = max(SMALLEST_BUCKET, 1 << (rows - 1).bit_length())
        fill = torch.arange(bucket, device=inputs[0].device).clamp(max=rows - 1)
        inputs = tuple(tensor[fill] for tensor in inputs)
        key = (bucket, temperature, scored)
        captured = self._captured.pop(key, None) or self._capture(inputs, temperature, scored)
        self._captured[key] = captured
        if len(self._captured) > KEPT:
            self._captured.popitem(last=False)
        for place, tensor in zip(captured.inputs, inputs, strict=True):
            place.copy_(tensor)
        captured.graph.replay()
        values, totals = captured.outputs
        return values[:rows].clone(), totals[:rows].clone()

    def _capture(self, inputs: tuple[Tensor, ...], temperature: float, scored: bool) -> _Captured:
        """Runs the pass once, so that libraries set themselves up, and then captures it."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._run(inputs, temperature, scored)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self._run(inputs, temperature, scored)
        return _Captured(graph, inputs, outputs)

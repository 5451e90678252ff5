"""The kernels of all kinds behind one compiled function each.

A walk meets variables of every kind, so the kind is looked up as it runs: `features(kind, ...)`
is a chain of comparisons, made here from the list of kernels.
"""

from collections.abc import Callable, Sequence
from typing import Any

from models.columns.base import Column
from models.columns.kernels.base import Kernel, inlined
from models.columns.kernels.binary import BINARY
from models.columns.kernels.categorical import CATEGORICAL
from models.columns.kernels.continuous import CONTINUOUS
from models.columns.kernels.integer import INTEGER

__all__ = ["KERNELS", "draw", "features", "kernel_of", "log_prob"]

KERNELS: dict[str, Kernel] = {
    "binary": BINARY,
    "categorical": CATEGORICAL,
    "continuous": CONTINUOUS,
    "datetime": CONTINUOUS,
    "integer": INTEGER,
}
"""Kernel of each column kind; a kind's number is its place."""


def kernel_of(column: Column) -> tuple[int, Kernel]:
    """Number and kernel of a column's kind."""
    return list(KERNELS).index(column.kind), KERNELS[column.kind]


def _chain(functions: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """`(kind, ...)` calls the function whose place is `kind`, with the other arguments."""
    first, *others = functions
    following = _chain(others) if others else first

    @inlined
    def last(kind: int, *arguments: Any) -> Any:  # noqa: ANN401
        return first(*arguments)

    @inlined
    def choose(kind: int, *arguments: Any) -> Any:  # noqa: ANN401
        if kind == 0:
            return first(*arguments)
        return following(kind - 1, *arguments)

    return choose if others else last


features = _chain([kernel.features for kernel in KERNELS.values()])
log_prob = _chain([kernel.log_prob for kernel in KERNELS.values()])
draw = _chain([kernel.draw for kernel in KERNELS.values()])

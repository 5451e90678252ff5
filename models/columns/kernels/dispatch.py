"""The kernels of all kinds behind one compiled function each.

A walk meets variables of every kind, so the kind is looked up as it runs: `features(kind, ...)`
is a tree of comparisons, made here from the list of kernels.
"""

from collections.abc import Callable, Sequence
from typing import Any

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.base import Column, Head
from madeira.models.columns.binary import BinaryHead
from madeira.models.columns.categorical import CategoricalHead
from madeira.models.columns.continuous import ContinuousHead
from madeira.models.columns.factorised import FactorisedHead
from madeira.models.columns.integer import IntegerHead
from madeira.models.columns.kernels.base import Kernel
from madeira.models.columns.kernels.binary import BINARY
from madeira.models.columns.kernels.categorical import CATEGORICAL
from madeira.models.columns.kernels.continuous import CONTINUOUS
from madeira.models.columns.kernels.factorised import FACTORISED
from madeira.models.columns.kernels.integer import INTEGER
from madeira.models.compiled import inlined

__all__ = ["BINARY_NUMBER", "KERNELS", "draw", "features", "kernel_of", "log_prob", "masses"]

KERNELS: dict[type[Head], Kernel] = {
    BinaryHead: BINARY,
    CategoricalHead: CATEGORICAL,
    ContinuousHead: CONTINUOUS,
    FactorisedHead: FACTORISED,
    IntegerHead: INTEGER,
}
"""Kernel of each head: the same arithmetic."""

_DISTINCT = list(KERNELS.values())

BINARY_NUMBER = _DISTINCT.index(BINARY)
"""Number of the kernel of binary columns, of which a table may have a thousand."""


def kernel_of(column: Column) -> tuple[int, Kernel]:
    """Return number and kernel of a column's kind."""
    kernel = KERNELS[column.head_type]
    return _DISTINCT.index(kernel), kernel


def _tree(functions: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """Make the function of `(number, ...)` that calls the one at place `number`.

    Comparisons halve the functions: each is compiled again wherever it is inlined, so a deep
    chain of comparisons would take long to compile.
    """
    half = len(functions) // 2
    if half == 0:
        (function,) = functions

        @inlined
        def only(number: int, *arguments: Any) -> Any:  # noqa: ANN401
            return function(*arguments)

        return only
    if len(functions) == 2:
        zero, one = functions

        @inlined
        def either(number: int, *arguments: Any) -> Any:  # noqa: ANN401
            if number == 0:
                return zero(*arguments)
            return one(*arguments)

        return either
    lower, upper = _tree(functions[:half]), _tree(functions[half:])

    @inlined
    def choose(number: int, *arguments: Any) -> Any:  # noqa: ANN401
        if number < half:
            return lower(number, *arguments)
        return upper(number - half, *arguments)

    return choose


@inlined
def _none(parameters: Float32, width: int, masses: Float64, constants: Float64, at: int) -> None:
    """Numeric columns have no masses."""


features = _tree([kernel.features for kernel in _DISTINCT])
log_prob = _tree([kernel.log_prob for kernel in _DISTINCT])
draw = _tree([kernel.draw for kernel in _DISTINCT])
masses = _tree([kernel.masses or _none for kernel in _DISTINCT])

"""Arithmetic whose order is fixed: sums of products as vector instructions, written out.

A compiler that may reorder a sum does so as the loop around it suggests, and a row would get other
last digits beside other rows. Nothing is compiled with that permission (`compiled.py`). Here a
sum over j has eight parts, those of j = 0, 8, .., of j = 1, 9, .. and so on, each added up from its
beginning with fused multiplications, and the parts are added by halves. It is the same eight
numbers whether one product is computed or eight of them together.
"""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from madeira.models.compiled import inlined

__all__ = ["LANES", "dot", "dots_4_1", "dots_4_2", "fma", "padded", "padded_length"]

LANES = 8

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_INDEX = ir.IntType(64)


def padded(length: int) -> int:
    """Return the next multiple of the lanes: arrays are filled up with zeros to it."""
    return -(-length // LANES) * LANES


@inlined
def padded_length(length: int) -> int:
    """Return `padded`, compiled."""
    return (length + LANES - 1) // LANES * LANES


def _fma(_: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: ANN401
    """Return `a * b + c`, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, numbers: Any) -> Any:  # noqa: ANN401
        kind = ir.FunctionType(_FLOAT, [_FLOAT] * 3)
        name = "llvm.fma.f32"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), numbers)

    return types.float32(types.float32, types.float32, types.float32), generate


def _dots(picks: int, rows: int) -> Callable[..., Any]:
    """Products of some rows of one matrix with some of another.

    `(weight, picks, units, rows, length)`: two C-contiguous float32 matrices, tuples of so many
    rows of each, and how many columns count, a multiple of the lanes. The answer is a tuple, all
    picks of the first row of `units` first.
    """

    def dots(_: Any, weight: Any, u: Any, units: Any, r: Any, length: Any) -> Any:  # noqa: ANN401
        several = types.UniTuple(types.int64, picks), types.UniTuple(types.int64, rows)
        answer = types.UniTuple(types.float32, picks * rows)
        return answer(weight, several[0], units, several[1], types.int64), _sums

    return cast(Callable[..., Any], intrinsic(dots))


def _sums(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
    """Return the loop over columns, and the sums of its lanes."""
    weight, u, units, r, length = arguments
    picked = _starts(context, builder, signature.args[0], weight, u, signature.args[1].count)
    known = _starts(context, builder, signature.args[2], units, r, signature.args[3].count)
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    fused = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32")
    before = builder.block
    head, body, end = (
        builder.append_basic_block(f"dots.{name}") for name in ("head", "body", "end")
    )
    builder.branch(head)
    builder.position_at_end(head)
    place = builder.phi(_INDEX)
    place.add_incoming(ir.Constant(_INDEX, 0), before)
    nothing = ir.Constant(_VECTOR, [0.0] * LANES)
    parts = [builder.phi(_VECTOR) for _ in range(len(picked) * len(known))]
    for part in parts:
        part.add_incoming(nothing, before)
    builder.cbranch(builder.icmp_signed("<", place, length), body, end)
    builder.position_at_end(body)
    factors = [_load(builder, start, place) for start in picked]
    gained = []
    for row, start in enumerate(known):
        values = _load(builder, start, place)
        for pick, factor in enumerate(factors):
            own = parts[row * len(picked) + pick]
            gained.append(builder.call(fused, [values, factor, own]))
    place.add_incoming(builder.add(place, ir.Constant(_INDEX, LANES)), body)
    for part, more in zip(parts, gained, strict=True):
        part.add_incoming(more, body)
    builder.branch(head)
    builder.position_at_end(end)
    return context.make_tuple(builder, signature.return_type, [_total(builder, p) for p in parts])


def _starts(
    context: Any,  # noqa: ANN401
    builder: Any,  # noqa: ANN401
    kind: Any,  # noqa: ANN401
    matrix: Any,  # noqa: ANN401
    rows: Any,  # noqa: ANN401
    count: int,
) -> list[Any]:
    """Pointers to the first number of rows of a matrix."""
    array = context.make_array(kind)(context, builder, matrix)
    width = builder.extract_value(array.shape, 1)
    places = [builder.mul(builder.extract_value(rows, n), width) for n in range(count)]
    return [builder.gep(array.data, [place]) for place in places]


def _load(builder: Any, start: Any, place: Any) -> Any:  # noqa: ANN401
    pointer = builder.bitcast(builder.gep(start, [place]), _VECTOR.as_pointer())
    return builder.load(pointer, align=4)


def _total(builder: Any, vector: Any) -> Any:  # noqa: ANN401
    """Return the sum of the lanes, by halves."""
    width = LANES
    while width > 1:
        width //= 2
        lower, upper = (
            builder.shuffle_vector(
                vector,
                vector,
                ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(at, at + width))),
            )
            for at in (0, width)
        )
        vector = builder.fadd(lower, upper)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


fma = cast(Callable[[Any, Any, Any], Any], intrinsic(_fma))
dots_4_2 = _dots(4, 2)
dots_4_1 = _dots(4, 1)
dot = _dots(1, 1)

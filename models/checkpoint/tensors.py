"""Arrays of a checkpoint: their names, shapes and permitted values.

Names, types and shapes follow from the configuration and the columns, and are compared with the
header of the file before memory is taken for anything.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from madeira.models.arrays import Float64
from madeira.models.checkpoint.config import StoredMember
from madeira.models.checkpoint.json_text import parse_object
from madeira.models.columns.base import Column
from madeira.models.echo import escaped
from madeira.models.errors import CheckpointError
from madeira.models.inference.calibration import LEVELS, Calibration
from madeira.models.made.masks import Mask

__all__ = [
    "CALIBRATION",
    "JOINT_CALIBRATION",
    "LOG_WEIGHTS",
    "MAX_HEADER_BYTES",
    "Header",
    "calibration_of",
    "check_finite",
    "check_log_weights",
    "masks_of",
]


FILE, LOG_WEIGHTS, CALIBRATION = "model.safetensors", "log_weights", "calibration"
JOINT_CALIBRATION = "joint_calibration"

_REFERENCE = "reference"
"""Rows that older checkpoints hold, and nothing reads."""

MAX_HEADER_BYTES = 16 * 2**20
_MAX_REFERENCE_ROWS = 1_000_000

_LENGTH = struct.Struct("<Q")
_TYPES = {"F64": 8, "F32": 4, "I32": 4}
"""Bytes of one number of each type that a checkpoint has."""

_WEIGHTS_SUM_TO = 1e-3
"""How far the logarithm of the sum of the mixture weights may be from 0."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class _Stored:
    """Where one array stands in the file."""

    dtype: str
    shape: Shape
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """The header of a file of weights.

    Attributes:
        arrays: What it says of each array, by name.
        data: Where the numbers begin, in bytes.
        size: Of the whole file, in bytes.
    """

    arrays: Mapping[str, _Stored]
    data: int
    size: int

    @classmethod
    def read(cls, file: BinaryIO, size: int) -> "Header":
        """Read the header from the beginning of a file of so many bytes.

        Args:
            file: The file, at its beginning.
            size: Its length in bytes.

        Raises:
            CheckpointError: It is not that of a safetensors file.
        """
        beginning = file.read(_LENGTH.size)
        if len(beginning) < _LENGTH.size:
            raise CheckpointError(f"{FILE} is not a safetensors file: it has {size} bytes")
        length = _LENGTH.unpack(beginning)[0]
        if length > min(MAX_HEADER_BYTES, size - _LENGTH.size):
            raise CheckpointError(f"{FILE} is not a safetensors file: its header is too long")
        entries = parse_object(f"the header of {FILE}", file.read(length))
        entries.pop("__metadata__", None)
        arrays = {name: _stored(name, entry) for name, entry in entries.items()}
        return cls(arrays, _LENGTH.size + length, size)

    def check(
        self,
        members: Sequence[StoredMember],
        columns: Sequence[Column],
        derived: Sequence[Column] = (),
    ) -> None:
        """Compare what there is with what the configuration and the columns ask for.

        Args:
            members: Members that the configuration describes.
            columns: Columns of the schema.
            derived: Its derived variables.

        Raises:
            CheckpointError: An array is missing, unknown, or of another type or shape.
        """
        expected = _expected(members, columns, derived)
        if _REFERENCE in self.arrays:
            rows = self.arrays[_REFERENCE].shape[:1]
            if not rows or not 1 <= rows[0] <= _MAX_REFERENCE_ROWS:
                raise CheckpointError(
                    f"{FILE}, {_REFERENCE}: expected 1 to {_MAX_REFERENCE_ROWS:,} rows"
                )
            expected[_REFERENCE] = "F32", (rows[0], len(columns))
        for name in (CALIBRATION, JOINT_CALIBRATION):
            if name in self.arrays:
                expected[name] = "F64", (len(LEVELS),)
        for name in expected:
            if name not in self.arrays:
                raise CheckpointError(f"{FILE} lacks the array {name}")
        total = 0
        for name, found in self.arrays.items():
            if name not in expected:
                raise CheckpointError(f"{FILE} holds an unknown array {escaped(name, 80)}")
            dtype, shape = expected[name]
            if (found.dtype, found.shape) != (dtype, shape):
                raise CheckpointError(
                    f"{FILE}, {name}: expected {dtype} of shape {list(shape)}, got "
                    f"{escaped(found.dtype, 10)} of {escaped(str(list(found.shape)), 60)}"
                )
            length = _TYPES[dtype] * math.prod(shape)
            if found.end - found.begin != length or found.begin < 0:
                raise CheckpointError(f"{FILE}, {name}: expected {length:,} bytes of numbers")
            total += length
        if self.data + total != self.size:
            raise CheckpointError(
                f"{FILE} has {self.size:,} bytes; its arrays need {self.data + total:,}"
            )


def check_finite(tensors: Mapping[str, Tensor]) -> None:
    """Check that no number is NaN or infinite.

    Raises:
        CheckpointError: Names the array.
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(f"{FILE}, {name}: holds a number that is not finite")


def check_log_weights(log_weights: Float64) -> None:
    """Check that the mixture weights sum to 1.

    Raises:
        CheckpointError: They do not.
    """
    total = float(np.logaddexp.reduce(log_weights))
    if not abs(total) < _WEIGHTS_SUM_TO:
        found = math.exp(min(total, 700))
        raise CheckpointError(f"{FILE}, {LOG_WEIGHTS}: the weights sum to {found:g}, not to 1")


def calibration_of(tensors: Mapping[str, Tensor], name: str = CALIBRATION) -> Calibration:
    """Return the calibration of anomaly scores; one that changes nothing where there is none.

    Args:
        tensors: The arrays of the file.
        name: Of the array.

    Raises:
        CheckpointError: Its quantiles do not rise from above 0.
    """
    if name not in tensors:
        return Calibration.identity()
    quantiles = tensors[name].numpy()
    if not (np.diff(quantiles, prepend=0.0) > 0).all():
        raise CheckpointError(f"{FILE}, {name}: expected numbers that rise, from above 0")
    return Calibration(quantiles)


def masks_of(
    tensors: Mapping[str, Tensor], index: int, member: StoredMember, variables: int
) -> tuple[Mask, ...]:
    """Return the masks of a member, their orderings and degrees checked.

    Args:
        tensors: The arrays of the file, of the shapes that are expected.
        index: Place of the member.
        member: What the configuration says of it.
        variables: Number of variables D.

    Raises:
        CheckpointError: Positions are no permutation of 1..D, degrees are not in 1..D-1, or
            residual layers have different ones.
    """
    positions = tensors[f"masks.{index}.positions"].long().numpy()
    if not (np.sort(positions, axis=1) == np.arange(1, variables + 1)).all():
        raise CheckpointError(
            f"{FILE}, masks.{index}.positions: each row must be a permutation of 1 to {variables}"
        )
    lowest, highest = min(1, variables - 1), max(variables - 1, 0)
    degrees = []
    for layer in range(len(member.network.hidden)):
        name = f"masks.{index}.degrees.{layer}"
        degrees.append(tensors[name].long().numpy())
        if degrees[-1].min() < lowest or degrees[-1].max() > highest:
            raise CheckpointError(f"{FILE}, {name}: degrees must be in {lowest} to {highest}")
        if member.network.residual and (degrees[-1] != degrees[0]).any():
            raise CheckpointError(
                f"{FILE}, {name}: residual layers must have the degrees of the first"
            )
    return tuple(
        Mask(positions[place], tuple(layer[place] for layer in degrees))
        for place in range(member.masks)
    )


def _expected(
    members: Sequence[StoredMember], columns: Sequence[Column], derived: Sequence[Column]
) -> dict[str, tuple[str, Shape]]:
    """Type and shape of every array that there has to be."""
    expected: dict[str, tuple[str, Shape]] = {
        LOG_WEIGHTS: ("F64", (sum(member.masks for member in members),))
    }
    for index, member in enumerate(members):
        network, weights = member.network, f"members.{index}."
        variables = (*columns, *derived) if member.any_order else columns
        inputs = sum(variable.inputs for variable in variables)
        outputs = sum(variable.outputs for variable in variables)
        hidden = network.hidden
        shapes: dict[str, Shape] = {"output_bias": (outputs,)}
        for layer, width in enumerate(hidden):
            before = hidden[layer - 1] if layer else inputs
            shapes[f"hidden_weights.{layer}"] = width, before
            shapes[f"hidden_biases.{layer}"] = (width,)
            expected[f"masks.{index}.degrees.{layer}"] = "I32", (member.masks, width)
        if hidden:
            shapes["output_weight"] = outputs, hidden[-1]
            if network.conditioning:
                shapes["conditioning_weight"] = hidden[0], len(variables)
        if network.direct:
            shapes["direct_weight"] = outputs, inputs
        expected |= {weights + name: ("F32", shape) for name, shape in shapes.items()}
        expected[f"masks.{index}.positions"] = "I32", (member.masks, len(columns))
    return expected


def _stored(name: str, entry: object) -> _Stored:
    match entry:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(begin), int(end)]}:
            if all(type(length) is int and length >= 0 for length in shape):
                return _Stored(dtype, tuple(shape), begin, end)
    raise CheckpointError(f"the header of {FILE}: {escaped(name, 80)} has no type, shape and place")

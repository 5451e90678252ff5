"""Base classes of column kinds: `Column` and `Head`, the two halves of each.

A `Column` holds what was learned from one column of the table. It turns Arrow values into float64
codes and back. A `Head` is the torch arithmetic of all columns that share an evaluation key: it
turns codes into input units, and output units into log-probabilities and draws. Columns know
nothing of tensors on devices; heads know nothing of Arrow.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.errors import TableError
from madeira.models.values.arrow_types import Family, family, type_name
from madeira.models.values.json_record import Record
from madeira.models.values.row_encoder import CellEncoder, UnsupportedCellError

__all__ = ["Column", "Head"]


class Head(ABC):
    """The arithmetic of n columns that are evaluated together.

    The units of one column are contiguous and the columns keep their order.

    Attributes:
        columns: The n columns.
        inputs: Input units of all columns together.
        outputs: Output parameters of all columns together.
        noise: Uniforms that one draw of all columns takes.
        interchangeable: Whether the arithmetic of all columns is one and the same.
    """

    interchangeable: ClassVar[bool] = False

    def __init__(self, columns: Sequence["Column"]) -> None:
        self.columns = tuple(columns)
        self.inputs = sum(column.inputs for column in columns)
        self.outputs = sum(column.outputs for column in columns)
        self.noise = sum(column.noise for column in columns)

    def to(self, device: torch.device | str) -> Self:
        """Return this head with its tensors on `device`."""
        moved = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(moved, name, value.to(device))
        return moved

    @abstractmethod
    def features(self, values: Tensor, observed: Tensor) -> Tensor:
        """Turn encoded values into input units.

        Args:
            values: Encoded values, (batch, n); anything, NaN too, where not observed.
            observed: Which values are known, (batch, n) bool.

        Returns:
            Input units, (batch, inputs), in the dtype of `values`; 0 where not observed.
        """

    @abstractmethod
    def log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Evaluate the conditionals.

        Args:
            parameters: Output units of the network, (batch, outputs).
            values: Encoded values, (batch, n); NaN where missing.

        Returns:
            Log-probabilities, or log-densities in the column's original units, in nats,
            (batch, n). Where a value is NaN the entry is finite and means nothing, and its
            gradient is finite.
        """

    @abstractmethod
    def sample(
        self,
        parameters: Tensor,
        noise: Tensor,
        temperature: float = 1.0,
        within_range: bool = False,
    ) -> Tensor:
        """Draw values by inverting the distribution functions at given uniforms.

        Args:
            parameters: Output units of the network, (batch, outputs).
            noise: Uniforms in (0, 1), (batch, noise).
            temperature: Below 1 for likelier values, above 1 for more varied ones; > 0.
            within_range: Whether numbers are drawn from their distribution between the smallest
                and the largest training value; other kinds have no range.

        Returns:
            Encoded values, (batch, n), in the dtype of `noise`: float64 noise keeps the
            resolution of wide columns such as time stamps.
        """


@dataclass(frozen=True)
class Column(ABC):
    """One column of the table, as learned from the training rows.

    Attributes:
        kind: Name of the column kind.
        discrete: Whether values are a choice among a few, imputed with the probability of the
            one chosen; otherwise they are numbers, imputed with an interval.
        head_type: The head that evaluates columns of this kind.
        name: Name of the column.
        arrow_type: Type that the column came as, and that `decode` gives back.
    """

    kind: ClassVar[str]
    discrete: ClassVar[bool]
    head_type: ClassVar[type[Head]]
    name: str
    arrow_type: pa.DataType

    @property
    @abstractmethod
    def inputs(self) -> int:
        """Input units."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Output parameters."""

    @property
    @abstractmethod
    def noise(self) -> int:
        """Uniforms that one draw takes."""

    @property
    @abstractmethod
    def evaluation_key(self) -> Hashable:
        """Columns with equal keys are evaluated by one head."""

    @property
    def unknown_code(self) -> float | None:
        """Code of the outcome that stands for every value not seen in training, if any."""
        return None

    @property
    def null_code(self) -> float | None:
        """Code of null, where null is a value of the column; None where it means not observed."""
        return None

    @property
    def unknown_rate(self) -> float:
        """Share of training values to be replaced by the unknown outcome, so that it is learned."""
        return 0.0

    @classmethod
    @abstractmethod
    def fit(cls, name: str, array: pa.ChunkedArray | pa.Array) -> Self:
        """Learn a column of this kind.

        Args:
            name: Name of the column.
            array: Training values, (rows,), null where missing.

        Raises:
            SchemaError: The column cannot be of this kind.
            TableError: A cell is unusable, such as NaN in a column of numbers.
        """

    @abstractmethod
    def encode(self, array: pa.ChunkedArray | pa.Array) -> Float64:
        """Return the codes of Arrow values, (rows,) float64, NaN where null.

        Raises:
            TableError: Names each cell that does not fit, and what was expected.
        """

    def cell_encoder(self) -> CellEncoder:
        """Return the encoder of one cell of the column's own JSON type; it agrees with `encode`."""
        reads_text = family(self.arrow_type) in (Family.TEXT, Family.INSTANT, Family.TIME)

        def read(value: object) -> float:
            if not reads_text or type(value) is not str:
                raise UnsupportedCellError
            try:
                return float(self.encode(pa.array([value], pa.string()))[0])
            except TableError:
                raise UnsupportedCellError from None

        return read

    @abstractmethod
    def is_code(self, values: Float64) -> Bool:
        """Return which numbers are codes that this column can have, (rows,); NaN is none."""

    @abstractmethod
    def decode(self, values: Float64) -> pa.Array:
        """Return the Arrow values of codes, (rows,), null where NaN."""

    @abstractmethod
    def initial_parameters(self, values: Float64) -> Float64:
        """Return output parameters, (outputs,), that reproduce the marginal of codes, (rows,)."""

    @abstractmethod
    def outcomes(self, values: Float64) -> Bool:
        """Return the logit of the choice that each code, (rows,), is: (rows, outputs).

        Where a code is NaN there is none.
        """

    @property
    def choices(self) -> Int64:
        """For each output unit the one that stands for it in `outcomes`, (outputs,)."""
        return np.arange(self.outputs)

    @abstractmethod
    def learned(self) -> dict[str, Any]:
        """Return the learned fields of `schema.json`."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Describe the column to callers of the service, ready for JSON."""

    def to_json(self) -> dict[str, Any]:
        """Return the entry of this column in `schema.json`."""
        head = {"name": self.name, "kind": self.kind, "arrow_type": type_name(self.arrow_type)}
        return head | self.learned()

    @classmethod
    @abstractmethod
    def from_json(cls, record: Record) -> Self:
        """Read what `to_json` wrote, or a person edited.

        Raises:
            SchemaError: Names the field and what was expected.
        """

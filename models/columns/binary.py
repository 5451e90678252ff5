"""Binary columns: a Bernoulli distribution on one logit.

A column has one input unit, its code, or one for each value. With one, a known 0 looks to the
first weights like a value that is not known. With two, what follows from a 0 can be said of it
alone: so it is in tables that hold other kinds too. A table of bits alone is as good with one.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn import functional

from madeira.models.arrays import Bool, Float64
from madeira.models.columns.base import Column, Head
from madeira.models.columns.choice import MIN_TEMPERATURE
from madeira.models.echo import quoted
from madeira.models.errors import SchemaError
from madeira.models.values.arrow_types import type_name
from madeira.models.values.json_record import Record
from madeira.models.values.numbers import decoded, refuse, shown
from madeira.models.values.row_encoder import CellEncoder
from madeira.models.values.vocabulary import UNSEEN, Vocabulary

__all__ = ["Binary", "BinaryHead"]


class BinaryHead(Head):
    """Bernoulli conditionals of n binary columns: one logit and one uniform each."""

    interchangeable = True

    def features(self, values: Tensor, observed: Tensor) -> Tensor:
        """Return the codes 0 and 1 themselves, or which of them it is; see `Head.features`."""
        ones = torch.where(observed, values, torch.zeros_like(values))
        if self.inputs == len(self.columns):
            return ones
        zeros = torch.where(observed, 1 - values, torch.zeros_like(values))
        return torch.stack([zeros, ones], dim=2).flatten(1)

    def log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Return log sigmoid((2 x - 1) logit); see `Head.log_prob`."""
        dtype = torch.promote_types(parameters.dtype, torch.float32)
        signs = 2 * values.nan_to_num(0.0).to(dtype) - 1
        return functional.logsigmoid(signs * parameters.to(dtype))

    def sample(
        self,
        parameters: Tensor,
        noise: Tensor,
        temperature: float = 1.0,
        within_range: bool = False,
    ) -> Tensor:
        """Return 1 where the uniform is below sigmoid(logit / T); see `Head.sample`."""
        chances = torch.sigmoid(parameters.to(noise.dtype) / max(temperature, MIN_TEMPERATURE))
        return (noise < chances).to(noise.dtype)


@dataclass(frozen=True)
class Binary(Column):
    """A column with two values.

    Attributes:
        vocabulary: The two values; their codes are 0 and 1.
        one_hot: Whether each value has an input unit; otherwise there is one, the code.
    """

    kind: ClassVar[str] = "binary"
    discrete: ClassVar[bool] = True
    head_type: ClassVar[type[Head]] = BinaryHead
    vocabulary: Vocabulary
    one_hot: bool = False

    @property
    def inputs(self) -> int:
        """One unit, the code, or one for each value."""
        return 2 if self.one_hot else 1

    @property
    def outputs(self) -> int:
        """One logit."""
        return 1

    @property
    def noise(self) -> int:
        """One uniform."""
        return 1

    @property
    def evaluation_key(self) -> Hashable:
        """All binary columns of as many input units are evaluated together."""
        return self.kind, self.one_hot

    @classmethod
    def fit(cls, name: str, array: pa.ChunkedArray | pa.Array) -> Self:
        """Learn the two values, sorted; see `Column.fit`.

        Raises:
            SchemaError: There are not two distinct values.
        """
        vocabulary, _ = Vocabulary.fit(name, array)
        if len(vocabulary) != 2:
            raise SchemaError(
                f"column {quoted(name)} cannot be binary: "
                f"it holds {len(vocabulary)} distinct values"
            )
        return cls(name, array.type, vocabulary)

    def encode(self, array: pa.ChunkedArray | pa.Array) -> Float64:
        """Return 0, 1, or NaN where null; see `Column.encode`."""
        codes = self.vocabulary.codes(self.name, array)
        unseen = codes == UNSEEN
        if unseen.any():
            values = decoded(array)
            first, second = self.vocabulary.values
            refuse(
                self.name,
                unseen,
                lambda row: (
                    f"expected {quoted(first)} or {quoted(second)}, got {shown(values, row)}"
                ),
            )
        return codes

    def cell_encoder(self) -> CellEncoder:
        """Return the encoder of one value; see `Column.cell_encoder`."""
        return self.vocabulary.encoder(None) or super().cell_encoder()

    def is_code(self, values: Float64) -> Bool:
        """Return which are 0 or 1; see `Column.is_code`."""
        found: Bool = (values == 0) | (values == 1)
        return found

    def decode(self, values: Float64) -> pa.Array:
        """Return the two values in the column's type; see `Column.decode`."""
        return self.vocabulary.take(values)

    def initial_parameters(self, values: Float64) -> Float64:
        """Return the logit of the share of ones, with half a row added to either side."""
        known = values[~np.isnan(values)]
        ones = known.sum()
        return np.array([np.log(ones + 0.5) - np.log(known.size - ones + 0.5)])

    def outcomes(self, values: Float64) -> Bool:
        """Return the one logit where the code is 1; see `Column.outcomes`."""
        return np.asarray(values[:, None] == 1)

    def learned(self) -> dict[str, Any]:
        """Return the two values, and that each has an input unit where it has."""
        values: dict[str, Any] = {"values": list(self.vocabulary.values)}
        return values | {"one_hot": True} if self.one_hot else values

    def describe(self) -> dict[str, Any]:
        """Return name, kind, type, the two values and an example."""
        return {
            "name": self.name,
            "kind": self.kind,
            "type": type_name(self.arrow_type),
            "categories": list(self.vocabulary.values),
            "category_count": 2,
            "example": self.vocabulary.values[1],
        }

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Read what `to_json` wrote; see `Column.from_json`."""
        arrow_type = record.arrow_type()
        values = record.items("values")
        if len(values) != 2:
            raise record.wrong("values", "a list of two values")
        try:
            vocabulary = Vocabulary.from_json(arrow_type, values)
        except ValueError as error:
            raise record.wrong("values", f"two values of type {arrow_type} ({error})") from None
        return cls(record.text("name"), arrow_type, vocabulary, record.flag("one_hot"))

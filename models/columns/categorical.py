"""Categorical columns: a softmax over K categories and one reserved outcome, `unknown`.

The code of a value never seen in training is K. Its mass is learned from training rows whose
value is replaced by it, at the rate that Good and Turing estimate for unseen values: the share of
rows whose value occurs once.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.columns.base import Column, Head
from madeira.models.columns.choice import choose
from madeira.models.echo import quoted
from madeira.models.errors import SchemaError
from madeira.models.values.arrow_types import type_name
from madeira.models.values.json_record import Record
from madeira.models.values.row_encoder import CellEncoder
from madeira.models.values.vocabulary import UNSEEN, Vocabulary

__all__ = ["Categorical", "CategoricalHead", "null_is_value", "unseen_share"]

_MAX_UNKNOWN_RATE = 0.05
_DESCRIBED = 50
_MAX_CATEGORIES = 10_000


class CategoricalHead(Head):
    """Softmax conditionals of n categorical columns.

    Column j has K_j + 1 units, the last of them `unknown`. Where the columns differ in width, the
    units are gathered into a block (n, widest) whose padding has no mass.
    """

    def __init__(self, columns: Sequence["Categorical"]) -> None:
        super().__init__(columns)
        widths = torch.tensor([column.outputs for column in columns])
        self._width = int(widths.max())
        self._uniform = bool((widths == self._width).all())
        self._offsets = widths.cumsum(0) - widths
        places = torch.arange(self._width)
        self._padding = places >= widths[:, None]
        self._undrawn = places >= widths[:, None] - 1  # padding and `unknown`
        self._last = widths - 2
        gathered = (self._offsets[:, None] + places).masked_fill(self._padding, 0)
        self._gathered = gathered.flatten()

    def features(self, values: Tensor, observed: Tensor) -> Tensor:
        """Return the codes one-hot, `unknown` included; see `Head.features`."""
        units = self._offsets + values.nan_to_num(0.0).long()
        hot = observed.to(values.dtype)
        return values.new_zeros(values.shape[0], self.inputs).scatter_(1, units, hot)

    def log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Return the log-softmax at the codes; see `Head.log_prob`."""
        dtype = torch.promote_types(parameters.dtype, torch.float32)
        logits = self._block(parameters.to(dtype))
        if not self._uniform:
            logits = logits.masked_fill(self._padding, -torch.inf)
        codes = values.nan_to_num(0.0).long().unsqueeze(2)
        chosen: Tensor = logits.gather(2, codes).squeeze(2)
        return chosen - logits.logsumexp(2)

    def sample(
        self,
        parameters: Tensor,
        noise: Tensor,
        temperature: float = 1.0,
        within_range: bool = False,
    ) -> Tensor:
        """Invert the distribution function over the K known categories; see `Head.sample`."""
        dtype = torch.promote_types(parameters.dtype, torch.float32)
        logits = self._block(parameters.to(dtype)).masked_fill(self._undrawn, -torch.inf)
        return choose(logits, noise, temperature).minimum(self._last).to(noise.dtype)

    def _block(self, parameters: Tensor) -> Tensor:
        """Arrange units, (batch, outputs), by column, (batch, n, widest)."""
        if not self._uniform:
            parameters = parameters.index_select(1, self._gathered)
        return parameters.reshape(len(parameters), len(self.columns), self._width)


@dataclass(frozen=True)
class Categorical(Column):
    """A column with K values and room for those not seen.

    Attributes:
        vocabulary: The K categories; the code of a category is its place.
        unseen_mass: Good-Turing estimate of the probability that the next value is a new one.
        null_outcome: Whether null is a value of the column, and not a value that was not seen.
            It is one more outcome, of the code K; that of `unknown` is K + 1 then.
    """

    kind: ClassVar[str] = "categorical"
    discrete: ClassVar[bool] = True
    head_type: ClassVar[type[Head]] = CategoricalHead
    vocabulary: Vocabulary
    unseen_mass: float
    null_outcome: bool = field(default=False, kw_only=True)

    @property
    def drawable(self) -> int:
        """How many outcomes can be drawn: all but `unknown`."""
        return len(self.vocabulary) + self.null_outcome

    @property
    def inputs(self) -> int:
        """One unit an outcome."""
        return self.drawable + 1

    @property
    def outputs(self) -> int:
        """One logit an outcome."""
        return self.drawable + 1

    @property
    def noise(self) -> int:
        """One uniform."""
        return 1

    @property
    def evaluation_key(self) -> Hashable:
        """Columns are evaluated with those of like width: up to the same power of two."""
        return (self.kind, (self.outputs - 1).bit_length())

    @property
    def unknown_code(self) -> float | None:
        """The last code."""
        return float(self.drawable)

    @property
    def null_code(self) -> float | None:
        """The code after those of the categories, where null is a value."""
        return float(len(self.vocabulary)) if self.null_outcome else None

    @property
    def unknown_rate(self) -> float:
        """The estimated share of values that training will not have seen."""
        return self.unseen_mass

    @classmethod
    def fit(cls, name: str, array: pa.ChunkedArray | pa.Array) -> Self:
        """Learn the categories and the mass of unseen ones; see `Column.fit`.

        Raises:
            SchemaError: There are too many distinct values.
        """
        vocabulary, counts = Vocabulary.fit(name, array)
        if len(vocabulary) > _MAX_CATEGORIES:
            raise SchemaError(
                f"column {quoted(name)} holds {len(vocabulary)} distinct values: too many for "
                "categorical, whose memory grows with them; make it factorised"
            )
        return cls(name, array.type, vocabulary, unseen_share(counts))

    def encode(self, array: pa.ChunkedArray | pa.Array) -> Float64:
        """Return the places of categories, `unknown_code` where not seen; see `Column.encode`."""
        codes = self.vocabulary.codes(self.name, array)
        codes[codes == UNSEEN] = self.drawable
        if self.null_code is not None:
            codes[np.isnan(codes)] = self.null_code
        return codes

    def cell_encoder(self) -> CellEncoder:
        """Return the encoder of one value; see `Column.cell_encoder`."""
        return self.vocabulary.encoder(self.unknown_code) or super().cell_encoder()

    def is_code(self, values: Float64) -> Bool:
        """Return which are whole numbers up to the last code; see `Column.is_code`."""
        found: Bool = (values >= 0) & (values <= self.drawable) & (values == np.rint(values))
        return found

    def decode(self, values: Float64) -> pa.Array:
        """Return the categories, null for null and `unknown`; see `Column.decode`."""
        return self.vocabulary.take(values)

    def initial_parameters(self, values: Float64) -> Float64:
        """Return log shares, one row spread over all outcomes, `unknown` at its own rate."""
        size = self.drawable
        known = values[values < size].astype(np.int64)
        shares = (np.bincount(known, minlength=size) + 1 / size) / (known.size + 1)
        masses = np.append(shares * (1 - self.unseen_mass), self.unseen_mass)
        logits: Float64 = np.log(masses)
        return logits

    def outcomes(self, values: Float64) -> Bool:
        """Return the logit of the category itself; see `Column.outcomes`."""
        return np.asarray(values[:, None] == np.arange(self.outputs))

    def learned(self) -> dict[str, Any]:
        """Return the categories, the mass of unseen ones, and what null is where it is a value."""
        null = {"null": "value"} if self.null_outcome else {}
        categories = list(self.vocabulary.values)
        return {"unseen_mass": self.unseen_mass, "categories": categories} | null

    def describe(self) -> dict[str, Any]:
        """Return name, kind, type, the first 50 categories, their number and an example."""
        return {
            "name": self.name,
            "kind": self.kind,
            "type": type_name(self.arrow_type),
            "categories": list(self.vocabulary.values[:_DESCRIBED]),
            "category_count": len(self.vocabulary),
            "example": self.vocabulary.values[0],
        } | ({"null": "value"} if self.null_outcome else {})

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Read what `to_json` wrote; see `Column.from_json`."""
        return cls(**cls.recorded(record), null_outcome=null_is_value(record))

    @classmethod
    def recorded(cls, record: Record) -> dict[str, Any]:
        """Read the fields that all columns of categories have; see `Column.from_json`."""
        arrow_type = record.arrow_type()
        values = record.items("categories")
        if not values:
            raise record.wrong("categories", "a list of at least one value")
        try:
            vocabulary = Vocabulary.from_json(arrow_type, values)
        except ValueError as error:
            raise record.wrong("categories", f"distinct values of {arrow_type} ({error})") from None
        return {
            "name": record.text("name"),
            "arrow_type": arrow_type,
            "vocabulary": vocabulary,
            "unseen_mass": record.number("unseen_mass", above=0, below=1),
        }


def null_is_value(record: Record) -> bool:
    """Read what null means in a column: `value` or, if nothing is said, `unknown`.

    Raises:
        SchemaError: It is neither.
    """
    said = record.fields.get("null", "unknown")
    if said not in ("value", "unknown"):
        raise record.wrong("null", "'value' or 'unknown'")
    return bool(said == "value")


def unseen_share(counts: Int64) -> float:
    """Return the Good-Turing estimate of the mass of new values, of the counts of known ones."""
    rows = int(counts.sum())
    singletons = int((counts == 1).sum())
    return min(max(singletons / rows, 1 / (rows + 2)), _MAX_UNKNOWN_RATE)

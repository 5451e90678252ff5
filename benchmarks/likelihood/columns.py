"""How bits become the columns of a table: one by one, or in groups that make one category.

Several of the sets are tables of categories in disguise: the squares of a board, nucleotides, the
answers of a census, each written as as many bits as it has values, of which at most one is set. A
model of bits must learn from the rows that a second one never follows. A model of categories knows.

The likelihood is that of the bits in both cases. A group of w bits of which training shows K
patterns is a categorical column with K values; its `unknown` outcome stands for the 2^w - K
patterns that training does not show. Its mass is spread over them: 99 % evenly over those of at
most one bit, the rest evenly over the others. The masses of all 2^D rows of bits sum to 1.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from benchmarks.likelihood.sets import Bits
from benchmarks.networks import binary_layout
from madeira.models.arrays import Bool, Float64
from madeira.models.columns import Layout
from madeira.models.columns.categorical import Categorical
from madeira.models.schema import Schema

__all__ = ["BitColumns", "Grouping", "groups_of_bits"]

Grouping = Literal["bits", "groups"]
Groups = tuple[tuple[int, int], ...]

_SHARE_OF_ONE_BIT = 0.99


def groups_of_bits(train: Bits) -> Groups:
    """Return runs of neighbouring bits of which no row has two set, each as long as it can be.

    Args:
        train: Shape `(rows, variables)`.

    Returns:
        First and one past the last variable of every run, ascending, all variables covered.

    Example:
        >>> groups_of_bits(np.array([[1, 0, 0, 1], [0, 1, 1, 0]], dtype=np.uint8))
        ((0, 2), (2, 4))
    """
    bounds, set_so_far = [0], train[:, 0].astype(np.int64)
    for variable in range(1, train.shape[1]):
        with_next = set_so_far + train[:, variable]
        if with_next.max() > 1:
            bounds.append(variable)
            with_next = train[:, variable].astype(np.int64)
        set_so_far = with_next
    return tuple(zip(bounds, [*bounds[1:], train.shape[1]], strict=True))


@dataclass(frozen=True)
class BitColumns:
    """Columns over the bits of a set.

    Attributes:
        layout: The columns as a network has them.
        groups: The bits of each column; none where each is a column of its own.
    """

    layout: Layout
    groups: Groups = ()
    schema: Schema | None = None

    @classmethod
    def of(cls, train: Bits, grouping: Grouping) -> "BitColumns":
        """Columns for rows like the training rows.

        Args:
            train: Shape `(rows, variables)`.
            grouping: `bits`, or `groups` as `groups_of_bits` finds them.
        """
        if grouping == "bits":
            return cls(binary_layout(train.shape[1]))
        groups = groups_of_bits(train)
        table = _patterns(train, groups)
        kinds = {
            name: "binary"
            if stop - start == 1 and 0 < train[:, start].mean() < 1
            else "categorical"
            for name, (start, stop) in zip(table.column_names, groups, strict=True)
        }
        schema = Schema.infer(table, kinds)
        return cls(Layout(schema.columns), groups, schema)

    def encode(self, bits: Bits) -> Float64:
        """Values as a network has them: `(rows, bits)` to `(rows, columns)`."""
        if self.schema is None:
            return bits.astype(np.float64)
        return self.schema.encode(_patterns(bits, self.groups))

    def unseen_nats(self, bits: Bits, values: Float64) -> Float64:
        """Return what each pattern that training does not show has less than all of them together.

        Args:
            bits: Rows, shape `(rows, variables)`.
            values: The same rows encoded, shape `(rows, columns)`.

        Returns:
            Nats to add to the log-likelihood of each row, shape `(rows,)`; 0 where all patterns
            are known ones.
        """
        nats = np.zeros(len(values))
        for index, (start, stop) in enumerate(self.groups):
            column = self.layout.columns[index]
            if isinstance(column, Categorical):
                unseen = np.flatnonzero(values[:, index] == column.unknown_code)
                few = bits[unseen, start:stop].sum(axis=1) <= 1
                few_there_are = stop - start + 1 - len(column.vocabulary)
                nats[unseen] += _spread(few, stop - start, few_there_are)
        return nats


def _spread(few: Bool, width: int, few_there_are: int) -> Float64:
    """Log-share of the mass of all unseen patterns that one of them has.

    Args:
        few: Whether each pattern has at most one bit set, shape `(rows,)`.
        width: Bits of a pattern.
        few_there_are: Unseen patterns of at most one bit.
    """
    others = 2.0**width - 1 - width
    if few_there_are == 0 or others == 0:
        return np.full(len(few), -np.log(few_there_are + others))
    of_few = np.log(_SHARE_OF_ONE_BIT / few_there_are)
    of_others = np.log((1 - _SHARE_OF_ONE_BIT) / others)
    shares: Float64 = of_others + (of_few - of_others) * few
    return shares


def _patterns(bits: Bits, groups: Groups) -> pa.Table:
    """Return the bits of each group as text, one column a group."""
    columns = {}
    for start, stop in groups:
        text = np.ascontiguousarray(bits[:, start:stop] + ord("0"))
        columns[f"bits {start} to {stop - 1}"] = text.view(f"S{stop - start}").ravel().astype(str)
    return pa.table(columns)

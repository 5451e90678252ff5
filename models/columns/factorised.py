r"""Factorised columns: categories by the ten thousand, at the cost of a few hundred.

The K categories are cut into G groups of M that are alike, both about the square root of K; the
code of a category is its place, so that its group is g = c // M. Then

    p(c | h) = p(g | h) p(c | g, h)
    p(c | g, h) = softmax over the group of (w(h) . x_c + log n_c)

The network gives G + 1 logits of groups, the last for `unknown`, and R numbers w. n_c is how often
the category occurs in training and x_c where it stands among the others, in R coordinates; neither
is a parameter of the network. So the marginal is exact from the start, however many categories
there are, and what is learned is what departs from it. The network is told of a category by its
group, one-hot, and by x_c.

Two-level classes after Goodman, Classes for Fast Maximum Entropy Training, ICASSP 2001. Which
categories are alike, `madeira.models.schema.category_order` finds out.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.columns.base import Head
from madeira.models.columns.categorical import Categorical, unseen_share
from madeira.models.columns.choice import choose
from madeira.models.values.json_record import Record
from madeira.models.values.vocabulary import Vocabulary

__all__ = ["COORDINATE_UNIT", "Factorised", "FactorisedHead"]

COORDINATE_UNIT = 1 / 32
"""Coordinates are kept as whole multiples of it, which take little room in a file."""

_MAX_COORDINATE = 127


class FactorisedHead(Head):
    """Conditionals of n factorised columns that have equally many groups, members and coordinates.

    The units of a column, of input as of output, are G + 1 for its groups, the last of them
    `unknown`, and R for the coordinates.
    """

    def __init__(self, columns: Sequence["Factorised"]) -> None:
        super().__init__(columns)
        first = columns[0]
        self._groups, self._members, self._width = first.groups, first.group_size, first.inputs
        self._sizes = torch.tensor([len(column.vocabulary) for column in columns])
        self._numbers = torch.arange(len(columns))
        shares = np.stack([column.log_shares for column in columns])
        self._log_shares = torch.tensor(shares, dtype=torch.float32)  # (n, G, M)
        points = np.stack([column.points for column in columns])
        self._points = torch.tensor(points, dtype=torch.float32)  # (n, G, M, R)

    def features(self, values: Tensor, observed: Tensor) -> Tensor:
        """Return groups one-hot, and coordinates, which `unknown` has none of; see `Head`."""
        group, member, known = self._parts(values)
        hot = observed.to(values.dtype).unsqueeze(2)
        groups = values.new_zeros(len(values), len(self.columns), self._groups + 1)
        groups.scatter_(2, group.unsqueeze(2), hot)
        points = self._points[self._numbers, group.clamp(max=self._groups - 1), member]
        points = points.to(values.dtype) * (hot * known.unsqueeze(2))
        return torch.cat([groups, points], dim=2).flatten(1)

    def log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Return log-probabilities, of the group and of the member of it; see `Head.log_prob`."""
        group, member, known = self._parts(values)
        groups, directions = self._block(parameters)
        of_group = groups.gather(2, group.unsqueeze(2)).squeeze(2) - groups.logsumexp(2)
        members = self._of_members(directions, group.clamp(max=self._groups - 1))
        of_member = members.gather(2, member.unsqueeze(2)).squeeze(2) - members.logsumexp(2)
        return of_group + torch.where(known, of_member, 0.0)

    def sample(
        self,
        parameters: Tensor,
        noise: Tensor,
        temperature: float = 1.0,
        within_range: bool = False,
    ) -> Tensor:
        """Draw a group with one uniform, a member of it with another; see `Head.sample`.

        The temperature is that of either draw.
        """
        groups, directions = self._block(parameters)
        which, where = noise.reshape(len(noise), len(self.columns), 2).unbind(2)
        group = choose(groups[:, :, :-1], which, temperature)
        member = choose(self._of_members(directions, group), where, temperature)
        return (group * self._members + member).minimum(self._sizes - 1).to(noise.dtype)

    def _parts(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return group and place in it of codes, and whether they are known, all (batch, n)."""
        codes = values.nan_to_num(0.0).long()
        known = codes < self._sizes
        group = torch.where(known, codes // self._members, self._groups)
        return group, torch.where(known, codes % self._members, 0), known

    def _block(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of groups, (batch, n, G + 1), and the vectors w, (batch, n, R)."""
        dtype = torch.promote_types(parameters.dtype, torch.float32)
        block = parameters.to(dtype).reshape(len(parameters), len(self.columns), self._width)
        return block[:, :, : self._groups + 1], block[:, :, self._groups + 1 :]

    def _of_members(self, directions: Tensor, group: Tensor) -> Tensor:
        """Return logits of the members of groups (batch, n), (batch, n, M)."""
        points = self._points[self._numbers, group].to(directions.dtype)  # (batch, n, M, R)
        shares = self._log_shares[self._numbers, group].to(directions.dtype)
        return shares + (points @ directions.unsqueeze(3)).squeeze(3)


@dataclass(frozen=True)
class Factorised(Categorical):
    """A column of many categories, and room for those not seen.

    Attributes:
        counts: How often each category occurs in training, (K,).
        coordinates: Where each category stands among the others, (K, R), in `COORDINATE_UNIT`.
        group_size: Categories in a group, M; the last group may have fewer.
    """

    kind: ClassVar[str] = "factorised"
    head_type: ClassVar[type[Head]] = FactorisedHead
    counts: tuple[int, ...]
    coordinates: tuple[tuple[int, ...], ...]
    group_size: int

    @property
    def groups(self) -> int:
        """Number of groups, G."""
        return -(-len(self.vocabulary) // self.group_size)

    @property
    def dimensions(self) -> int:
        """Number of coordinates, R."""
        return len(self.coordinates[0])

    @property
    def log_shares(self) -> Float64:
        """Logarithm of the share of each member of each group, (G, M); -inf where there is none.

        One row is spread over all categories, so that none is impossible.
        """
        size = len(self.vocabulary)
        shares = np.zeros(self.groups * self.group_size)
        shares[:size] = np.array(self.counts, dtype=np.float64) + 1 / size
        table = shares.reshape(self.groups, self.group_size)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(table) - np.log(table.sum(1, keepdims=True)))

    @property
    def points(self) -> Float64:
        """Coordinates of each member of each group, (G, M, R); 0 where there is none."""
        points = np.zeros((self.groups * self.group_size, self.dimensions))
        points[: len(self.vocabulary)] = np.array(self.coordinates) * COORDINATE_UNIT
        return points.reshape(self.groups, self.group_size, self.dimensions)

    @property
    def inputs(self) -> int:
        """A unit for each group, for `unknown`, and for each coordinate."""
        return self.groups + 1 + self.dimensions

    @property
    def outputs(self) -> int:
        """As many as input units."""
        return self.inputs

    @property
    def noise(self) -> int:
        """Two uniforms: one for the group, one for the member."""
        return 2

    @property
    def evaluation_key(self) -> Hashable:
        """Columns with equally many groups, members and coordinates are evaluated together."""
        return (self.kind, self.groups, self.group_size, self.dimensions)

    @classmethod
    def fit(cls, name: str, array: pa.ChunkedArray | pa.Array) -> Self:
        """Learn the categories, sorted, and how often they occur; see `Column.fit`."""
        vocabulary, counts = Vocabulary.fit(name, array)
        occurrences = tuple(counts.tolist())
        nowhere = ((),) * len(vocabulary)
        size = math.ceil(math.sqrt(len(vocabulary)))
        mass = unseen_share(counts)
        return cls(name, array.type, vocabulary, mass, occurrences, nowhere, size)

    def with_category_order(self, order: Int64, coordinates: Float64) -> Self:
        """Return the column with its categories in another order.

        Args:
            order: Codes that they have now, (K,).
            coordinates: Where they stand, of about unit deviation, in the order of now, (K, R).
        """
        limit = _MAX_COORDINATE
        whole = np.rint(np.clip(coordinates[order] / COORDINATE_UNIT, -limit, limit))
        values, counts, codes = self.vocabulary.values, self.counts, order.tolist()
        return replace(
            self,
            vocabulary=Vocabulary(self.arrow_type, tuple(values[code] for code in codes)),
            counts=tuple(counts[code] for code in codes),
            coordinates=tuple(map(tuple, whole.astype(np.int64).tolist())),
        )

    def initial_parameters(self, values: Float64) -> Float64:
        """Return log-shares of groups, one row spread over all, and 0 for all else."""
        codes = values[values < len(self.vocabulary)].astype(np.int64)
        rows = np.bincount(codes // self.group_size, minlength=self.groups)
        shares = (rows + 1 / self.groups) / (codes.size + 1)
        masses = np.append(shares * (1 - self.unseen_mass), self.unseen_mass)
        return np.append(np.log(masses), np.zeros(self.outputs - len(masses)))

    def outcomes(self, values: Float64) -> Bool:
        """Return the logit of the group of the category; see `Column.outcomes`."""
        return np.asarray(values[:, None] // self.group_size == np.arange(self.outputs))

    def learned(self) -> dict[str, Any]:
        """Return the categories in their order, with counts and coordinates."""
        return {
            "unseen_mass": self.unseen_mass,
            "group_size": self.group_size,
            "categories": list(self.vocabulary.values),
            "counts": list(self.counts),
            "coordinates": [list(point) for point in self.coordinates],
        }

    @classmethod
    def recorded(cls, record: Record) -> dict[str, Any]:
        """Read the fields; see `Column.from_json`."""
        fields = super().recorded(record)
        size = len(fields["vocabulary"])
        counts = _whole_numbers(record.items("counts"))
        if counts is None or counts.shape != (size,) or counts.min() < 0:
            raise record.wrong("counts", f"a whole number for each of the {size} categories")
        points = _whole_numbers(record.items("coordinates"))
        if points is None or points.ndim != 2 or len(points) != size:
            expected = f"equally many whole numbers for each of the {size} categories"
            raise record.wrong("coordinates", expected)
        if np.abs(points).max(initial=0) > _MAX_COORDINATE:
            expected = f"whole numbers from -{_MAX_COORDINATE} to {_MAX_COORDINATE}"
            raise record.wrong("coordinates", expected)
        group_size = record.whole("group_size", above=0)
        if group_size > size:
            raise record.wrong("group_size", f"at most {size}, the number of categories")
        return fields | {
            "counts": tuple(counts.tolist()),
            "coordinates": tuple(map(tuple, points.tolist())),
            "group_size": group_size,
        }


def _whole_numbers(values: list[Any]) -> Int64 | None:
    """Return numbers of a file as an array, or None where they are no whole numbers."""
    try:
        numbers = np.array(values)
    except ValueError:  # lists of several lengths
        return None
    if not numbers.size:  # columns without coordinates
        return numbers.astype(np.int64)
    return numbers.astype(np.int64) if numbers.dtype.kind == "i" else None

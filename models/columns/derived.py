"""Variables of the network that are no columns of the table, but follow from columns.

They stand after the columns, so that column d is variable d. Users see none of them: a density of
the columns alone answers everything that does not ask for one (`madeira.models.made.restricted`).
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from madeira.models.arrays import Float64
from madeira.models.columns.binary import Binary
from madeira.models.values.vocabulary import Vocabulary

__all__ = ["NullIndicator", "with_derived"]


@dataclass(frozen=True)
class NullIndicator(Binary):
    """Whether cells are null: 1 in rows that hold a null in all of some columns, else 0.

    Attributes:
        of: Places of the columns among those of the table; their nulls coincide.
    """

    of: tuple[int, ...] = field(kw_only=True)

    @classmethod
    def over(cls, names: tuple[str, ...], of: tuple[int, ...]) -> "NullIndicator":
        """Make the indicator of some columns.

        Args:
            names: Names of the columns.
            of: Their places.
        """
        vocabulary = Vocabulary.from_json(pa.bool_(), [False, True])
        name = f"null in {', '.join(names)}"
        return cls(name, pa.bool_(), vocabulary, one_hot=True, of=of)

    def derive(self, values: Float64) -> Float64:
        """Return the codes of rows, `(rows,)`, of those of the columns, `(rows, columns)`."""
        return np.asarray(np.isnan(values[:, list(self.of)]).all(axis=1), dtype=np.float64)


def with_derived(
    values: Float64, derived: tuple[NullIndicator, ...], *, observed: bool = True
) -> Float64:
    """Put derived variables after the columns.

    Args:
        values: Encoded columns, NaN where missing, `(rows, columns)`.
        derived: What follows from them.
        observed: Whether their values are to be known; NaN else.

    Returns:
        Shape `(rows, columns and derived variables)`.
    """
    if not derived:
        return values
    further = np.full((len(values), len(derived)), np.nan)
    if observed:
        further = np.stack([one.derive(values) for one in derived], axis=1)
    return np.hstack([values, further])

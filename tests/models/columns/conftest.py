"""One column of each kind with known parameters, and mixtures of columns to lay out."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest

from madeira.models.columns import (
    Binary,
    Categorical,
    Column,
    Continuous,
    Datetime,
    Factorised,
    Integer,
)

MakeColumns = Callable[[Sequence[str]], list[Column]]


@pytest.fixture
def make_columns() -> MakeColumns:
    """Columns by their short names.

    `b`inary; `f`actorised without coordinates; `x` continuous and `t` datetime without atoms;
    `i` integer with none, one or two atoms by turns; `c` and a number of categories, as in `c5`.
    """

    def make(kinds: Sequence[str]) -> list[Column]:
        columns: list[Column] = []
        for place, kind in enumerate(kinds):
            name = f"{kind}_{place}"
            if kind == "b":
                columns.append(Binary.fit(name, pa.array([False, True])))
            elif kind == "x":
                values = np.linspace(-1.0, 1.0, 21) * 10.0 ** (place % 7 - 3) + place
                columns.append(Continuous.fit(name, pa.array(values)))
            elif kind == "i":
                spikes = [0, 400][: place % 3] * 20
                columns.append(Integer.fit(name, pa.array([*range(0, 500, 7), *spikes])))
            elif kind == "f":
                columns.append(Factorised.fit(name, pa.array([*"abcdefg", *"bcc"])))
            elif kind == "t":
                instants = np.linspace(0, 10.0 ** (place % 7 + 3), 31).astype("M8[s]")
                columns.append(Datetime.fit(name, pa.array(instants)))
            else:
                texts = [f"text {code}" for code in range(int(kind[1:]))]
                columns.append(Categorical.fit(name, pa.array(texts * 2)))
        return columns

    return make

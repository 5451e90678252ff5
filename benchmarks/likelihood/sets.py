"""The binary sets of the MADE and NADE papers, in those papers' splits."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.data import data_folder

__all__ = ["SETS", "BinarySet", "Bits"]

Bits = npt.NDArray[np.uint8]

SETS = (
    "adult",
    "connect4",
    "dna_made",
    "mushrooms",
    "nips",
    "ocr_letters",
    "web",
    "binarized_mnist",
)


@dataclass(frozen=True)
class BinarySet:
    """One set; the test rows are not read before they are asked for.

    Attributes:
        name: Name of the set.
        file: Where it is: `train`, `valid` and `test` are bit-packed along axis 1, `n_vars` is
            the number of variables.
        most_rows: Rows of each part at most, the first ones; all where it is None.
    """

    name: str
    file: Path
    most_rows: int | None = None

    @classmethod
    def named(cls, name: str) -> "BinarySet":
        """Return the set of that name under `MADEIRA_DATA`.

        Raises:
            SystemExit: There is none; says which there are.
        """
        folder = data_folder("binary")
        file = folder / f"{name}.npz"
        if not file.is_file():
            known = ", ".join(sorted(path.stem for path in folder.glob("*.npz")))
            raise SystemExit(f"no binary set is called {name!r}; there are {known}")
        return cls(name, file)

    @cached_property
    def train(self) -> Bits:
        """Rows to learn from, 0 or 1, shape `(rows, variables)`."""
        return self._read("train")

    @cached_property
    def valid(self) -> Bits:
        """Rows to stop and to choose by, shape `(rows, variables)`."""
        return self._read("valid")

    @cached_property
    def test(self) -> Bits:
        """Rows that a final model is judged by, shape `(rows, variables)`."""
        return self._read("test")

    def first(self, rows: int) -> "BinarySet":
        """Return the same set, with no more than so many rows of each part."""
        return replace(self, most_rows=rows)

    def _read(self, part: str) -> Bits:
        with np.load(self.file) as arrays:
            variables = int(arrays["n_vars"])
            return np.unpackbits(arrays[part][: self.most_rows], axis=1, count=variables)

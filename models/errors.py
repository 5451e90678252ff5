"""Every error that the densities raise.

```
ModelsError
├── SchemaError        a table from which no schema can be inferred, or an impossible override
├── RowsTypeError      rows of a type that no table is made of; a TypeError too
├── TableFileError     a file that holds no readable table
├── TableError         cells that do not fit the schema; `cells` names row and column
├── ConfigError        a setting that does not exist, is out of range, or contradicts another; a
│                      ValueError too
├── OrderingError      evidence that no member's ordering can put first
├── TrainingError      a table the model cannot be trained on
├── CheckpointError    a checkpoint that is missing, broken, truncated or tampered with
└── NumericalError     a result that is not a finite number
```

Nothing here knows of HTTP: `madeira.app.errors` maps these to statuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from madeira.models.echo import escaped, quoted

__all__ = [
    "MAX_CELL_ERRORS",
    "MAX_REASON",
    "CellError",
    "CheckpointError",
    "ConfigError",
    "ModelsError",
    "NumericalError",
    "OrderingError",
    "RowsTypeError",
    "SchemaError",
    "TableError",
    "TableFileError",
    "TableWarning",
    "TrainingError",
    "TrainingWarning",
]

MAX_REASON = 300
"""Most characters of a reason for which a checkpoint is refused."""

MAX_CELL_ERRORS = 20
"""At most this many cells are named in one error: enough to see the pattern, and to read."""


class ModelsError(Exception):
    """Base of every error of this package."""


class SchemaError(ModelsError):
    """No schema can be inferred from the table, or an override cannot be met.

    Attributes:
        path: Keys and places that lead to the fault in the schema or the overrides, such as
            `("columns", 3, "kind")`; empty where nothing in there is.
    """

    def __init__(self, message: str, path: Sequence[str | int] = ()) -> None:
        super().__init__(message)
        self.path = tuple(path)


class RowsTypeError(ModelsError, TypeError):
    """Rows of an unsupported type; the message names the supported ones."""


class TableFileError(ModelsError):
    """No table can be read from a file; the message names the file and the cause."""


@dataclass(frozen=True)
class CellError:
    """One thing wrong with a table: where, and what was expected.

    Attributes:
        row: 0-based row, or None where the whole column is meant.
        column: Name of the column, or None where the whole row is meant.
        message: What was found and what was expected.
    """

    row: int | None
    column: str | None
    message: str

    def __str__(self) -> str:
        place = [f"row {self.row}"] if self.row is not None else []
        place += [f"column {quoted(self.column)}"] if self.column is not None else []
        return f"{', '.join(place)}: {self.message}" if place else self.message


class TableError(ModelsError):
    """Cells of a table do not fit the schema.

    Attributes:
        cells: What is wrong, one entry a cell; never empty.
    """

    def __init__(self, cells: Sequence[CellError]) -> None:
        self.cells = tuple(cells)
        more = f" (and {len(self.cells) - 3} more)" if len(self.cells) > 3 else ""
        super().__init__("; ".join(str(cell) for cell in self.cells[:3]) + more)


class ConfigError(ModelsError, ValueError):
    """A setting does not exist, is out of range, or contradicts another."""


class OrderingError(ModelsError):
    """No member of the model has an ordering that puts the evidence first."""


class TrainingError(ModelsError):
    """The table cannot be trained on; the message names the cause."""


class CheckpointError(ModelsError):
    """A checkpoint is missing, broken, truncated or tampered with.

    Args:
        reason: Which file, and what is wrong with it; control characters in it are escaped, and
            it is cut to `MAX_REASON` characters.
        path: The directory, for callers who have it on disk; None hides it.

    Attributes:
        reason: The same without the path.
    """

    def __init__(self, reason: str, path: object = None) -> None:
        self.reason = escaped(reason, MAX_REASON)
        super().__init__(self.reason if path is None else f"{path}: {self.reason}")


class NumericalError(ModelsError):
    """A result is not a finite number: the weights are too large for the arithmetic.

    Every density gives a likelihood above zero to every value that its schema can hold, so a
    log-likelihood of minus infinity is no answer either.
    """


class TableWarning(UserWarning):
    """Something had to be assumed of a table, or left out of it; it says what."""


class TrainingWarning(UserWarning):
    """A training had little to learn from; the message says what to expect of it."""

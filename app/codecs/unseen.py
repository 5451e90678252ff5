"""What an answer says of values that training has not seen, and of cells that do not fit."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from madeira.app.errors import CELL_ERRORS_LIMIT, InvalidInputError
from madeira.models.arrays import Float64
from madeira.models.columns.categorical import Categorical
from madeira.models.columns.numeric import Numeric
from madeira.models.errors import CellError
from madeira.models.schema.schema import Schema
from madeira.models.schema.unseen import likely_category, unseen_cells
from madeira.models.tables.csv_types import NULL_TEXTS

__all__ = ["MAX_WARNINGS", "CellWarning", "as_documents", "bad_cell_warnings", "warnings_of"]

MAX_WARNINGS = 20
"""Most warnings of one answer: enough to see the pattern, small enough to read."""

_MAX_SPELLED = 5
"""Most values whose spelling is compared."""

_MAX_SHOWN = 100
"""Most characters of a value that are repeated."""


@dataclass(frozen=True, slots=True)
class CellWarning:
    """A cell whose category training has not seen, or that was taken as missing.

    Attributes:
        row: From 0; None for a value that is given to a sample.
        column: Its column.
        value: As it was sent; of a long text its beginning.
        meant: The category that was probably meant; None where there is none.
        message: The same in words.
    """

    row: int | None
    column: str
    value: object
    meant: object
    message: str


def warnings_of(
    cell: Callable[[int, str], object],
    values: Float64,
    schema: Schema,
    *,
    refuse: bool,
    given: bool = False,
) -> Sequence[CellWarning]:
    """Return the first categories in a table that training has not seen.

    Args:
        cell: The value as it was sent, by row and name of the column.
        values: The table, encoded: `(rows, D)`.
        schema: The columns of the model.
        refuse: Whether they are errors.
        given: Whether the table has the given cells of a sample, which have no row numbers.

    Raises:
        InvalidInputError: There are some, and they are errors.
    """
    cells = unseen_cells(values, schema, CELL_ERRORS_LIMIT if refuse else MAX_WARNINGS)
    if not cells:
        return ()
    columns = {column.name: column for column in schema.columns}
    found: list[CellWarning] = []
    hints: dict[tuple[str, object], object] = {}
    for row, name in cells:
        value, column = _shown(cell(row, name)), columns[name]
        if isinstance(column, Numeric):
            found.append(_outside(None if given else row, column, value))
            continue
        assert isinstance(column, Categorical)  # noqa: S101 - no other kind has unknown codes
        known = (name, value)
        if known not in hints:
            hints[known] = likely_category(column, value, spelled=len(hints) < _MAX_SPELLED)
        found.append(_warning(None if given else row, name, value, hints[known]))
    if refuse:
        raise InvalidInputError.of_cells(
            [CellError(one.row, one.column, one.message) for one in found]
        )
    return found


def bad_cell_warnings(
    cell: Callable[[int, str], object], bad: Sequence[CellError]
) -> Sequence[CellWarning]:
    """Return warnings of the first cells that do not fit their column and were taken as missing.

    Args:
        cell: The value as it was sent, by row and name of the column.
        bad: What is wrong with each cell; each has a row and a column.
    """
    found: list[CellWarning] = []
    for one in bad[:MAX_WARNINGS]:
        if one.row is not None and one.column is not None:
            value = _shown(cell(one.row, one.column))
            message = f"{one.message}; taken as missing"
            found.append(CellWarning(one.row, one.column, value, None, message))
    return found


def as_documents(warnings: Sequence[CellWarning]) -> list[dict[str, object]]:
    """Warnings as an answer has them."""
    return [asdict(warning) for warning in warnings]


def _warning(row: int | None, column: str, value: object, meant: object) -> CellWarning:
    message = f"training did not see {value!r}"
    if meant is not None:
        message += f"; did you mean {meant!r}?"
    elif isinstance(value, str) and value.strip() in NULL_TEXTS:
        message += "; in a file that is trained on this text means missing: send null for that"
    return CellWarning(row, column, value, meant, message)


def _outside(row: int | None, column: Numeric, value: object) -> CellWarning:
    known = column.describe()
    ends = [f"at least {known['low']}"] if known["low"] is not None else []
    ends += [f"at most {known['high']}"] if known["high"] is not None else []
    message = f"{value!r} is outside of what the column can be: {' and '.join(ends)}"
    return CellWarning(row, column.name, value, None, message)


def _shown(value: object) -> object:
    """Return a value as JSON has it: dates as text, and not more of a text than can be read."""
    if isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."

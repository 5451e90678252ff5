"""What a reader of files is asked for, and what it returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from madeira.models.echo import expected_one_of, quoted
from madeira.models.errors import TableFileError

if TYPE_CHECKING:  # commands name these options without waiting for Arrow
    import pyarrow as pa

__all__ = ["NullWords", "OnBadCell", "Read", "ReadOptions"]

OnBadCell = Literal["drop", "fail"]
"""What becomes of a cell that is not what its column is: it is missing, or an error."""

NullWords = Sequence[str] | Mapping[str, Sequence[str]]
"""Words that mean missing, in all columns or by column; an empty cell always does."""


@dataclass(frozen=True)
class ReadOptions:
    """What is to be read, and how.

    Attributes:
        encoding: Of text, such as `latin-1`; None has it found.
        na_values: The words that mean missing; None has them found column by column.
        columns: Names of the columns wanted; None for all.
        rows: How many of the first rows are wanted, or a slice; None for all.
    """

    encoding: str | None = None
    na_values: NullWords | None = None
    columns: Sequence[str] | None = None
    rows: slice | int | None = None


@dataclass(frozen=True)
class Read:
    """What was read from a file.

    Attributes:
        table: Columns and rows in the order of the file.
        notes: What was assumed and what was left out, a sentence each.
        decimal_point: Of texts that are yet to get types; None where the file has types.
    """

    table: "pa.Table"
    notes: tuple[str, ...] = ()
    decimal_point: str | None = None

    def selected(self, path: object, options: ReadOptions) -> "Read":
        """Return the columns and rows that are wanted.

        Args:
            path: Of the file, for errors.
            options: Which ones.

        Raises:
            TableFileError: There is no such column.
        """
        table = self.table
        for name in options.columns or ():
            if name not in table.column_names:
                raise TableFileError(
                    f"{path} has no column {quoted(name)}; "
                    f"{expected_one_of(table.column_names, name)}"
                )
        if options.columns is not None:
            table = table.select(list(options.columns))
        wanted = options.rows if isinstance(options.rows, slice) else slice(options.rows)
        start, stop, _ = wanted.indices(table.num_rows)
        return replace(self, table=table.slice(start, max(0, stop - start)))

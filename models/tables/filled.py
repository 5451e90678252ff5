"""Tables put together from what a caller gave and what a density drew."""

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["fill_nulls", "with_constants"]


def with_constants(table: pa.Table, constants: pa.Table) -> pa.Table:
    """Return the table with the columns of a table of one row, its value repeated in every row.

    Args:
        table: Any number of rows.
        constants: One row, or no columns at all; its columns are among the table's, whose
            types they take.
    """
    for name in constants.column_names:
        index = table.column_names.index(name)
        value = constants.column(name).cast(table.schema.field(name).type)[0]
        table = table.set_column(index, name, pa.repeat(value, table.num_rows))
    return table


def fill_nulls(table: pa.Table, filled: pa.Table) -> pa.Table:
    """Return the table with its nulls taken from another of the same rows.

    Args:
        table: What is known; its columns keep their order.
        filled: Columns to fill from, and whose types are taken where they hold what is known.
            Columns that the table lacks are put after its own.
    """
    for name in filled.column_names:
        column = filled.column(name)
        if name not in table.column_names:
            table = table.append_column(name, column)
            continue
        known = table.column(name)
        if pa.types.is_string_view(column.type):  # of models that were trained on them
            column = column.cast(pa.string())
        try:
            known = known.cast(column.type)
        except pa.ArrowInvalid:  # 2.5 among whole numbers, say: what was observed stays as it is
            column = column.cast(known.type, safe=False)
        merged = pc.if_else(known.is_null(), column, known)
        table = table.set_column(table.column_names.index(name), name, merged)
    return table

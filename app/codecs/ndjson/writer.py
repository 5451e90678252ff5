"""Tables to JSON lines."""

import pyarrow as pa

from madeira.app.codecs.json.text import encode, encode_rows, snippets

__all__ = ["LinesWriter"]


class LinesWriter:
    """Writes a table part by part, one object a row and line."""

    def write(self, table: pa.Table) -> bytes:
        """Write the next rows."""
        if not table.num_rows:
            return b""
        columns = [
            _present(column.combine_chunks()) if _is_nested(column.type) else snippets(column)
            for column in table.columns
        ]
        return encode_rows(table.column_names, columns, table.num_rows, b"\n") + b"\n"

    def close(self) -> bytes:
        """Nothing follows the last row."""
        return b""


def _is_nested(kind: pa.DataType) -> bool:
    """Whether values are structs of structs."""
    return pa.types.is_struct(kind) and all(pa.types.is_struct(field.type) for field in kind)


def _present(array: pa.StructArray) -> list[bytes]:
    """Return structs as objects, (rows,), without the fields that are null.

    They say how sure each filled cell is, which most cells of a table are not.
    """
    found: list[list[bytes]] = [[] for _ in range(len(array))]
    for field, values in zip(array.type, array.flatten(), strict=True):
        rows = values.is_valid().to_numpy(zero_copy_only=False).nonzero()[0].tolist()
        key = encode(field.name) + b":"
        for row, part in zip(rows, snippets(values.drop_null()), strict=True):
            found[row].append(key + part)
    return [b"{%b}" % b",".join(parts) for parts in found]

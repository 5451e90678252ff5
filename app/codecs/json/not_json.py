"""Bodies that are not the JSON object that is read: what they are, and what to send instead."""

import orjson

__all__ = ["instead_of_body", "instead_of_value"]

_MAX_LINE_BYTES = 64 * 2**10
"""A longer first line is not looked at."""

_TABLE = '{"rows": [{"column": value}]}'


def instead_of_body(body: bytes) -> str | None:
    """One sentence for a body that is not JSON.

    Returns:
        None where nothing is recognised.
    """
    if not body.strip():
        return f"The body is empty: send a JSON object, such as {_TABLE}."
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return (
            f"The body is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}. Send JSON "
            "in UTF-8, not in another encoding such as Latin-1 or UTF-16."
        )
    line, more, _ = body[:_MAX_LINE_BYTES].lstrip().partition(b"\n")
    if line.startswith((b"{", b"[")) and _is_json(line):
        return (
            "The body is JSON lines, one value a line: send it with `Content-Type: "
            "application/x-ndjson`."
        )
    separated = any(separator in line for separator in (b",", b";", b"\t"))
    if more and separated and not any(bracket in line for bracket in (b"{", b"[", b"<")):
        return "The body looks like CSV: send it with `Content-Type: text/csv`."
    return None


def instead_of_value(document: object) -> str:
    """One sentence for JSON that is neither object nor list; empty for what is not recognised."""
    if isinstance(document, str):
        return f" A text is not read as a table: send one object a row, {_TABLE}."
    return ""


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True

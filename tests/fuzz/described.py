"""What the fuzzer is told of the service: its description, as far as a schema can say it.

Which columns a table may have depends on the model, and that an option may not say two things in
the query and in the body cannot be said in OpenAPI at all. So next to the whole description there
are narrower ones, for one model, of which every case that fits must be accepted, and every other
one refused.
"""

from copy import deepcopy
from typing import Any

from madeira.app.schemas.base import TableInput

__all__ = ["CASES", "described"]

Document = dict[str, Any]

CASES = ("whole", "query", "body", "columns")
"""The whole description; rows with options in the query, in the body; columns and data."""

_NUMBER_TEXT = r"^[-+]?([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})([eE][-+]?[0-9]{1,2})?$"
_ANY = {"type": ["string", "number", "boolean", "null"]}
_TEXT_COLUMNS = ["species", "island"]
_TABLE = set(TableInput.model_fields)
_JSON = "application/json"


def described(case: str, document: Document, model: Document) -> Document:
    """Return the description for one of `CASES`.

    Args:
        case: Which of them.
        document: `GET /openapi.json`.
        model: `GET /models/{name}` of the model `penguins`.
    """
    found = deepcopy(document)
    if case == "whole":
        return found
    row = {
        "type": "object",
        "additionalProperties": False,
        "properties": {column["name"]: _cell(column) for column in model["columns"]},
    }
    for path in ("/invocations", "/v1/models/{name}:predict"):
        del found["paths"][path]  # which rows a model takes, its schema does not say
    for path in ("/score", "/sample", "/impute"):
        operation = found["paths"][path]["post"]
        content = operation["requestBody"]["content"]
        reference = content[_JSON]["schema"]["$ref"].rpartition("/")[2]
        options = found["components"]["schemas"][reference]["properties"]
        # Several draws of a point estimate are refused, so each case has one of the two.
        options.pop("draws" if case == "body" else "estimate", None)
        operation["parameters"] = [_parameter(one) for one in operation["parameters"]]
        schema: Document = {"type": "object", "additionalProperties": False, "properties": {}}
        if path != "/sample":
            schema |= _columns() if case == "columns" else _rows(row)
        if case == "body":
            operation["parameters"] = []
            schema["properties"] |= _in_body(options, row)
            schema["required"] = ["n"] if path == "/sample" else ["rows"]
        else:
            operation["parameters"] = [
                {**one, "required": True} if one["name"] == "n" else one
                for one in operation["parameters"]
                if one["name"] in options
            ]
        operation["requestBody"] = {
            "required": path != "/sample" or case == "body",
            "content": {_JSON: {"schema": schema if path == "/sample" else _or_list(schema, row)}},
        }
    return found


def _or_list(schema: Document, row: Document) -> Document:
    """Return a schema that also takes the rows alone."""
    return {"anyOf": [schema, {"type": "array", "items": row}]}


def _cell(column: Document) -> Document:
    """Return the schema of a cell: any value is a text, a text of digits is a number."""
    if column["kind"] == "binary":
        return {"enum": [*column["categories"], None]}
    if column["type"] in ("string", "large_string") or column["type"].startswith("dictionary"):
        return _ANY
    return {"anyOf": [{"type": ["number", "null"]}, {"type": "string", "pattern": _NUMBER_TEXT}]}


def _rows(row: Document) -> Document:
    return {"required": ["rows"], "properties": {"rows": {"type": "array", "items": row}}}


def _columns() -> Document:
    values = {"type": "array", "items": _ANY, "minItems": 2, "maxItems": 2}
    return {
        "required": ["columns", "data"],
        "properties": {
            "columns": {"const": _TEXT_COLUMNS},
            "data": {"type": "array", "items": values},
        },
    }


def _parameter(parameter: Document) -> Document:
    """Return an option in the query, for one model."""
    known: dict[str, list[str]] = {
        "model": ["penguins"],
        "version": ["1"],
        "given": ["{}", '{"sex":"male"}', '{"island":"Torgersen","body_mass_g":4000}'],
    }
    name = parameter["name"]
    if name in known:
        return {**parameter, "schema": {"enum": known[name]}}
    if name == "unknown":
        return {**parameter, "schema": {"enum": ["warn"]}}
    return parameter


def _in_body(options: Document, row: Document) -> Document:
    """Return the options in a body, for one model."""
    own = {name: schema for name, schema in options.items() if name not in _TABLE}
    own["model"] = {"enum": ["penguins", None]}
    own["version"] = {"enum": ["1", 1, None]}
    own.pop("unknown", None)  # `error` is refused for rows that this description allows
    if "n" in own:
        own["n"] = own["n"]["anyOf"][0]
        own["given"] = {"anyOf": [row, {"type": "null"}]}
    return own

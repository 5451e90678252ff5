"""From a body to what an endpoint works with: the model, the options, the table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

from madeira.app.api.bodies import Received
from madeira.app.api.negotiation import Format
from madeira.app.api.options import read_options
from madeira.app.codecs import arrow, json
from madeira.app.codecs.arrow_cells import columns_to_read, row_objects
from madeira.app.codecs.cells import TableForm, table_form
from madeira.app.codecs.sent import ArrowTable, JsonTable, SentTable
from madeira.app.codecs.unseen import CellWarning, as_documents, warnings_of
from madeira.app.errors import InvalidInputError, MalformedBodyError
from madeira.app.jobs import Array
from madeira.app.registry import Registry, ServedModel
from madeira.app.schemas.base import Options, TableInput
from madeira.app.schemas.hints import instead_of
from madeira.app.schemas.sample import SampleOptions

__all__ = ["Intake", "head_entries", "head_metadata", "take_in", "take_in_sample"]

_NOTHING = JsonTable(TableForm([], None, []))
_TABLE_KEYS = frozenset(TableInput.model_fields)

OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True, slots=True)
class Intake(Generic[OptionsT]):
    """A request for something about rows, read.

    Attributes:
        model: The model that is meant.
        options: The options, checked.
        rows: The rows as they were sent.
        answer: The format to answer in.
        warnings: What the answer says of unseen categories.
    """

    model: ServedModel
    options: OptionsT
    rows: SentTable
    answer: Format
    warnings: Sequence[CellWarning] = ()

    def encoded(self) -> tuple[Self, Array]:
        """The request with its warnings, and its rows encoded, `(rows, D)`, NaN where missing.

        Raises:
            InvalidInputError: A cell does not fit, or is an unseen category that is to be refused.
        """
        schema = self.model.schema
        values = self.rows.encode(schema)
        refuse = self.options.unknown == "error"
        warnings = warnings_of(self.rows.cell, values, schema, refuse=refuse)
        return (replace(self, warnings=warnings) if warnings else self), values

    def without_rows(self) -> Self:
        """The same for those who have encoded the rows and wait.

        The rows of hundreds of requests that wait are very many objects, and the garbage
        collector, looking at them all, held up everybody for a tenth of a second.
        """
        return type(self)(self.model, self.options, _NOTHING, self.answer, self.warnings)


def take_in(
    received: Received,
    options: type[OptionsT],
    registry: Registry,
    row_limit: int,
    *,
    left_out: bool = False,
) -> Intake[OptionsT]:
    """Reads a body, up to the cells of its table.

    Args:
        received: A JSON body, or an Arrow stream; options in the query, or in the JSON body.
        options: The options that the endpoint knows.
        registry: The models.
        row_limit: Most rows of the table.
        left_out: Whether columns that the model leaves out are read from an Arrow stream.

    Raises:
        MalformedBodyError: The body is not what it says.
        BodyTooLargeError: Decompressed it is over the limit.
        UnknownModelError: No model has the name asked for.
        InvalidInputError: Anything else is wrong with the request.
    """
    table: SentTable
    if received.format is Format.ARROW:
        if not received.content:
            raise MalformedBodyError("The body is empty: send a table as an Arrow IPC stream.")
        checked = read_options(received.query, {}, options)
        model = registry.resolve(checked.model, checked.version)
        columns = columns_to_read(model.schema, left_out=left_out)
        limit = received.limit_bytes
        content = arrow.decode(received.content, columns, row_limit=row_limit, limit_bytes=limit)
        return Intake(model, checked, ArrowTable(content, limit), received.answer)
    document = json.decode(received.content, row_limit)
    asked = {key: value for key, value in document.items() if key not in _TABLE_KEYS}
    if not asked.keys() <= options.model_fields.keys():
        instead = instead_of(document)
        if instead is not None:
            raise InvalidInputError(instead)
    checked = read_options(received.query, asked, options)
    model = registry.resolve(checked.model, checked.version)
    table = JsonTable(table_form(document))
    if len(table) > row_limit:
        raise InvalidInputError(
            f"{len(table)} rows are over the limit of {row_limit}; send several requests."
        )
    return Intake(model, checked, table, received.answer)


def take_in_sample(
    received: Received, registry: Registry
) -> tuple[ServedModel, SampleOptions, Format]:
    """Reads a request for new rows: the model, the options, the format to answer in.

    The body is JSON, or an Arrow table of the one row that is given, or there is none; errors
    are those of `take_in`.
    """
    if received.format is Format.JSON:
        document = json.decode(received.content, 1) if received.content else {}
        options = read_options(received.query, document, SampleOptions)
        return registry.resolve(options.model, options.version), options, received.answer
    options = read_options(received.query, {}, SampleOptions)
    model = registry.resolve(options.model, options.version)
    if received.content:
        if options.given:
            raise InvalidInputError("Send what is given as the body or as `given`, not as both.")
        columns = columns_to_read(model.schema, left_out=True)
        limit = received.limit_bytes
        table = arrow.decode(received.content, columns, row_limit=1, limit_bytes=limit)
        if table.num_rows != 1:
            raise InvalidInputError(
                "The body gives no row: send a table of one row, whose values every row is to "
                "have, or no body."
            )
        (given,) = row_objects(table, limit)
        options = options.model_copy(update={"given": given})
    return model, options, received.answer


def head_entries(model: ServedModel, warnings: Sequence[CellWarning]) -> dict[str, Any]:
    """How a JSON answer begins: with the model that computed it, and warnings if there are any."""
    entries: dict[str, Any] = {"model": {"name": model.key.name, "version": model.key.version}}
    if warnings:
        entries["warnings"] = as_documents(warnings)
    return entries


def head_metadata(model: ServedModel, warnings: Sequence[CellWarning]) -> dict[str, str]:
    """The same of an Arrow answer, in the metadata of its schema."""
    entries = {"madeira.model": model.key.name, "madeira.version": model.key.version}
    if warnings:
        entries["madeira.warnings"] = json.encode(as_documents(warnings)).decode()
    return entries

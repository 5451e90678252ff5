"""From a body to what an endpoint works with: the model, the options, the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import orjson

from app.api.bodies import Received
from app.api.negotiation import Format
from app.codecs import arrow, json
from app.codecs.arrow_cells import columns_to_read, row_objects
from app.codecs.cells import TableForm, table_form
from app.codecs.sent import ArrowTable, JsonTable, SentTable
from app.errors import InvalidInputError
from app.registry import Registry, ServedModel
from app.schemas.base import Options, TableInput
from app.schemas.sample import SampleOptions

__all__ = ["Intake", "model_entry", "model_metadata", "take_in", "take_in_sample"]

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
    """

    model: ServedModel
    options: OptionsT
    rows: SentTable
    answer: Format

    def without_rows(self) -> Self:
        """The same for those who have encoded the rows and wait.

        The rows of hundreds of requests that wait are very many objects, and the garbage
        collector, looking at them all, held up everybody for a tenth of a second.
        """
        return type(self)(self.model, self.options, _NOTHING, self.answer)


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
        received: A JSON body with table and options, or an Arrow stream and options in the query.
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
        checked = options.read(_from_query(received.query, options))
        model = registry.resolve(checked.model, checked.version)
        columns = columns_to_read(model.schema, left_out=left_out)
        limit = received.limit_bytes
        content = arrow.decode(received.content, columns, row_limit=row_limit, limit_bytes=limit)
        return Intake(model, checked, ArrowTable(content, limit), received.answer)
    _refuse_query(received.query, options)
    document = json.decode(received.content)
    checked = options.read({k: v for k, v in document.items() if k not in _TABLE_KEYS})
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

    The body is JSON, or an Arrow table of the one row that is given, or an Arrow body of no
    bytes; errors are those of `take_in`.
    """
    if received.format is Format.JSON:
        _refuse_query(received.query, SampleOptions)
        options = SampleOptions.read(json.decode(received.content))
        return registry.resolve(options.model, options.version), options, received.answer
    asked = _from_query(received.query, SampleOptions)
    options = SampleOptions.read(asked)
    model = registry.resolve(options.model, options.version)
    if received.content:
        if "given" in asked:
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


def _from_query(query: Sequence[tuple[str, str]], options: type[Options]) -> dict[str, Any]:
    """The options of a query: what is not text is read as JSON, where it is JSON."""
    found: dict[str, Any] = {}
    for name, text in query:
        if name in found:
            raise InvalidInputError(f"`{name[:100]}` is given more than once in the query.")
        found[name] = text if name in options.text_options() else _value(text)
    return found


def _value(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _refuse_query(query: Sequence[tuple[str, str]], options: type[Options]) -> None:
    """Refuses options in the query of a JSON body, where they would have no effect."""
    for name, _ in query:
        if name in options.model_fields:
            raise InvalidInputError(
                f"`{name}` stands in the query; the options of a JSON body stand in the body."
            )


def model_entry(model: ServedModel) -> Mapping[str, Any]:
    """How a JSON answer names the model that computed it."""
    return {"name": model.key.name, "version": model.key.version}


def model_metadata(model: ServedModel) -> dict[str, str]:
    """How an Arrow answer names the model that computed it, in the metadata of its schema."""
    return {"madeira.model": model.key.name, "madeira.version": model.key.version}

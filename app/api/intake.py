"""From a body to what an endpoint works with: the model, the options, the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

from madeira.app.api.bodies import Received
from madeira.app.api.options import read_options
from madeira.app.codecs.format import Format
from madeira.app.codecs.json.table import JsonTable
from madeira.app.codecs.request_tables import RequestTable
from madeira.app.codecs.unseen import CellWarning, warnings_of
from madeira.app.errors import InvalidInputError
from madeira.app.jobs import Array
from madeira.app.registry import Registry, ServedModel
from madeira.app.schemas.base import Options
from madeira.app.schemas.sample import SampleOptions

__all__ = ["Intake", "take_in", "take_in_sample"]

_NOTHING = JsonTable([], None, [])

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
    rows: RequestTable
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
        received: The body; options stand in the query, or in a JSON body.
        options: The options that the endpoint knows.
        registry: The models.
        row_limit: Most rows of the table.
        left_out: Whether columns that the model leaves out are wanted too.

    Raises:
        MalformedBodyError: The body is not what it says.
        BodyTooLargeError: Decompressed it is over the limit.
        UnknownModelError: No model has the name asked for.
        InvalidInputError: Anything else is wrong with the request.
    """
    body = received.format.parse(received.content, row_limit, received.limit_bytes)
    asked = body.options(options.model_fields, table=True)
    checked = read_options(received.query, asked, options)
    model = registry.resolve(checked.model, checked.version)
    return Intake(model, checked, body.table(model.schema, left_out=left_out), received.answer)


def take_in_sample(
    received: Received, registry: Registry
) -> tuple[ServedModel, SampleOptions, Format]:
    """Reads a request for new rows: the model, the options, the format to answer in.

    There may be no body. What is given stands in the options, or is a table of one row; errors are
    those of `take_in`.
    """
    body = None
    asked: Mapping[str, Any] = {}
    if received.content:
        body = received.format.parse(received.content, 1, received.limit_bytes)
        asked = body.options(SampleOptions.model_fields, table=False)
    options = read_options(received.query, asked, SampleOptions)
    model = registry.resolve(options.model, options.version)
    given = None if body is None else body.given(model.schema)
    if given is not None:
        if options.given:
            raise InvalidInputError("Send what is given as the body or as `given`, not as both.")
        options = options.model_copy(update={"given": given})
    return model, options, received.answer

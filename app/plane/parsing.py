"""From a call to what a question works with: the model, the options, the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from madeira.app.codecs.request_tables import RequestTable
from madeira.app.codecs.unseen import (
    MAX_WARNINGS,
    CellWarning,
    bad_cell_warnings,
    warnings_of,
)
from madeira.app.errors import InvalidInputError
from madeira.app.plane.call import Call
from madeira.app.plane.options import read_options
from madeira.app.registry import Registry, ServedModel
from madeira.app.schemas.base import RowOptions
from madeira.app.schemas.sample import SampleOptions
from madeira.app.settings import Settings
from madeira.models.arrays import Float64
from madeira.models.errors import CellError

__all__ = ["ParsedRequest", "check_cost", "parse_request", "parse_sample_request"]

MAX_BAD_CELLS = 100
"""Most cells of a request that do not fit and are taken as missing."""

OptionsT = TypeVar("OptionsT", bound=RowOptions)


@dataclass(frozen=True, slots=True)
class ParsedRequest(Generic[OptionsT]):
    """A request about the rows of a table.

    Attributes:
        model: The model that is meant.
        options: The options, checked.
        table: The rows as they were sent.
    """

    model: ServedModel
    options: OptionsT
    table: RequestTable

    def encoded(self) -> tuple[RequestTable, Float64, Sequence[CellWarning]]:
        """Return the rows, their codes, `(rows, D)`, NaN where missing, and warnings.

        Raises:
            InvalidInputError: A cell does not fit, or is an unseen category, and is to be refused.
        """
        schema = self.model.schema
        table, bad = self.table, list[CellError]()
        while True:
            try:
                values = table.encode(schema)
                break
            except InvalidInputError as error:
                if self.options.bad_cells == "error" or not self._can_be_missing(error.cells, bad):
                    raise
                bad += error.cells
                table = table.without(error.cells)
        refuse = self.options.unknown == "error"
        warnings = [
            *bad_cell_warnings(self.table.cell, bad),
            *warnings_of(table.cell, values, schema, refuse=refuse),
        ]
        return table, values, warnings[:MAX_WARNINGS]

    def _can_be_missing(self, cells: Sequence[CellError], before: Sequence[CellError]) -> bool:
        """Whether errors are of single cells of the model's columns, and not too many."""
        names = set(self.model.schema.names)
        single = all(cell.row is not None and cell.column in names for cell in cells)
        return bool(cells) and single and len(before) + len(cells) <= MAX_BAD_CELLS


def parse_request(
    call: Call,
    options: type[OptionsT],
    registry: Registry,
    settings: Settings,
    *,
    left_out: bool = False,
) -> ParsedRequest[OptionsT]:
    """Read a request, up to the cells of its table.

    Args:
        call: The request; its options stand in the query, or in a JSON body.
        options: The options that the question has.
        registry: The models.
        settings: The limits.
        left_out: Whether columns that the model excludes are wanted too.

    Raises:
        MalformedBodyError: The body is not of its content type.
        BodyTooLargeError: Decompressed it is over the limit.
        UnknownModelError: No model has the name asked for.
        InvalidInputError: Anything else is wrong with the request.
    """
    body = call.format.parse(call.content, settings.request_limit_rows, settings.body_limit_bytes)
    asked = body.options(options.model_fields, table=True)
    checked = read_options(call.query, asked, options)
    model = registry.resolve(checked.model, checked.version)
    return ParsedRequest(model, checked, body.table(model.schema, left_out=left_out))


def parse_sample_request(
    call: Call, registry: Registry, settings: Settings
) -> tuple[ServedModel, SampleOptions]:
    """Read a request for new rows.

    There may be no body. The given cells are an option, or a table of one row.

    Args:
        call: The request.
        registry: The models.
        settings: The limits.

    Raises:
        RequestError: See `parse_request`.
        InvalidInputError: The given cells are sent both in the body and as `given`.
    """
    body = None
    asked: Mapping[str, Any] = {}
    if call.content:
        body = call.format.parse(call.content, 1, settings.body_limit_bytes)
        asked = body.options(SampleOptions.model_fields, table=False)
    options = read_options(call.query, asked, SampleOptions)
    model = registry.resolve(options.model, options.version)
    given = None if body is None else body.given(model.schema)
    if given is not None:
        if options.given:
            raise InvalidInputError("Send what is given as the body or as `given`, not as both.")
        options = options.model_copy(update={"given": given})
    return model, options


def check_cost(cost: float, limit_cost: int, reasons: str) -> None:
    """Check the cost of one request, independent of other requests.

    Args:
        cost: Cost of all its rows; see `madeira.app.jobs`.
        limit_cost: Maximum of the cost.
        reasons: Parts of the cost, in words.

    Raises:
        InvalidInputError: It is over the limit.
    """
    if cost > limit_cost:
        raise InvalidInputError(
            f"The request costs {cost:.0f} ({reasons}), over the limit of {limit_cost}; "
            "send several requests."
        )

"""From a body to what an endpoint works with: the model, the options, the document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from app.codecs import json
from app.codecs.cells import TableForm, table_form
from app.errors import InvalidInputError
from app.registry import Registry, ServedModel
from app.schemas.base import Options, TableInput

__all__ = ["Intake", "model_entry", "take_in"]

_TABLE_KEYS = frozenset(TableInput.model_fields)

OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True, slots=True)
class Intake(Generic[OptionsT]):
    """A request, read.

    Attributes:
        model: The model that is meant.
        options: The options, checked.
        table: The rows as they were sent; None where the endpoint takes none.
    """

    model: ServedModel
    options: OptionsT
    table: TableForm | None

    @property
    def rows(self) -> TableForm:
        """The rows of an endpoint that takes some."""
        if self.table is None:
            raise TypeError("this endpoint takes no table")
        return self.table


def take_in(
    body: bytes, options: type[OptionsT], registry: Registry, row_limit: int | None
) -> Intake[OptionsT]:
    """Reads a body, up to the cells of its table.

    Args:
        body: JSON.
        options: The options that the endpoint knows.
        registry: The models.
        row_limit: Most rows of the table; None where the endpoint takes no table.

    Raises:
        MalformedBodyError: The body is not JSON.
        UnknownModelError: No model has the name asked for.
        InvalidInputError: Anything else is wrong with the body.
    """
    document = json.decode(body)
    wants_table = row_limit is not None
    checked = options.read(
        {key: value for key, value in document.items() if not (wants_table and key in _TABLE_KEYS)}
    )
    model = registry.resolve(checked.model)
    table = None
    if row_limit is not None:
        table = table_form(document)
        if len(table) > row_limit:
            raise InvalidInputError(
                f"{len(table)} rows are over the limit of {row_limit}; send several requests."
            )
    return Intake(model, checked, table)


def model_entry(model: ServedModel) -> Mapping[str, Any]:
    """How an answer names the model that computed it."""
    return {"name": model.key.name, "version": model.key.version}

"""The page around the sections, and the templates of all of them: one HTML file that loads nothing.

Templates are in `templates/`. Jinja2 escapes every value that is not `Markup`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["Provenance", "Section", "Tile", "page", "render", "three_decimals"]


@dataclass(frozen=True)
class Tile:
    """One figure at the top of the page.

    Attributes:
        name: What it measures.
        value: The figure.
        note: How to read it.
    """

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Attributes:
        anchor: Its name in links.
        title: Its heading.
        body: HTML.
        tiles: Its figures for the top of the page.
    """

    anchor: str
    title: str
    body: Markup
    tiles: Sequence[Tile] = field(default=())


@dataclass(frozen=True)
class Provenance:
    """The model, the file and the command of a report.

    Attributes:
        model: Name of the model.
        version: Version of the model.
        trained_on: Date of its training.
        columns: Number of its columns.
        excluded: Columns of its training table that it does not model.
        file: Name of the file of held-out rows.
        rows: Rows in that file.
        used_rows: Rows of them that the report uses.
        program: Name and version of this program.
        made_at: Date and time of the report, UTC.
        seconds: Duration of making it.
        command: The command line.
    """

    model: str
    version: str
    trained_on: str
    columns: int
    excluded: Sequence[str]
    file: str
    rows: int
    used_rows: int
    program: str
    made_at: str
    seconds: float
    command: str


_TEMPLATES = Environment(
    loader=PackageLoader("madeira.app.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters["formatted"] = format


def render(template: str, **values: object) -> Markup:
    """Fill a template of `templates/`.

    Args:
        template: Name of its file.
        values: Values of its variables; those that are not `Markup` are escaped.
    """
    return Markup(_TEMPLATES.get_template(template).render(**values))  # noqa: S704 - escaped by it


def page(provenance: Provenance, sections: Sequence[Section]) -> str:
    """Return the whole document.

    Args:
        provenance: The model, the file and the command.
        sections: Sections in their order.
    """
    return render("page.html", about=provenance, sections=sections)


def three_decimals(value: float) -> str:
    """Format a number; NaN becomes a dash."""
    return "–" if math.isnan(value) else f"{value:.3f}"

"""The report on a model: one HTML page, one file a section.

`data.py` scores the held-out rows and draws synthetic ones. Each section has a file, and a template
in `templates/`. `svg.py` draws the charts, `page.py` renders the page. The page loads nothing when
it is read.
"""

from collections.abc import Callable

from madeira.app.report.anomalies import anomalies
from madeira.app.report.data import ReportData, collect
from madeira.app.report.imputation import imputation
from madeira.app.report.learning import learning
from madeira.app.report.likelihood import likelihood
from madeira.app.report.marginals import marginals
from madeira.app.report.page import Provenance, Section, page
from madeira.app.report.pairs import pairs
from madeira.app.report.privacy import privacy

__all__ = ["SECTIONS", "Provenance", "ReportData", "Section", "collect", "page"]

SECTIONS: tuple[Callable[[ReportData], Section], ...] = (
    learning,
    marginals,
    pairs,
    likelihood,
    anomalies,
    imputation,
    privacy,
)
"""The functions that make the sections, in the order of the page."""

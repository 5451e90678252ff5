"""The report on a model: one HTML page, one file a section.

`material.py` scores the held-out rows and draws synthetic ones; every other file makes one section
of them; `svg.py` draws and `page.py` puts together. Nothing is fetched from anywhere when the page
is read.
"""

from collections.abc import Callable

from madeira.app.report.anomalies import anomalies
from madeira.app.report.imputation import imputation
from madeira.app.report.learning import learning
from madeira.app.report.likelihood import likelihood
from madeira.app.report.marginals import marginals
from madeira.app.report.material import Material, gather
from madeira.app.report.page import Section, page
from madeira.app.report.pairs import pairs
from madeira.app.report.privacy import privacy

__all__ = ["SECTIONS", "Material", "Section", "gather", "page"]

SECTIONS: tuple[Callable[[Material], Section], ...] = (
    learning,
    marginals,
    pairs,
    likelihood,
    anomalies,
    imputation,
    privacy,
)
"""What a report says, in its order."""

"""The scikit-learn face: `MADEDensity` fits, scores, samples, flags outliers and imputes.

scikit-learn and pandas are an extra: `pip install 'madeira[sklearn]'`. Nothing else needs them.
"""

from madeira.models.sklearn.density import MADEDensity

__all__ = ["MADEDensity"]

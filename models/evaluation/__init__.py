"""How good synthetic rows are: column by column, pair by pair, and how close to real records.

Arrow tables in, plain floats out. Columns whose values are numbers or instants count as numbers,
all others as categories; `categories` names number columns that are categories all the same, such
as codes and grades. NaN and null are missing values.
"""

from madeira.models.evaluation.privacy import closest_distances, closest_record_share
from madeira.models.evaluation.shapes import column_shapes
from madeira.models.evaluation.trends import Associations, associations, column_pair_trends

__all__ = [
    "Associations",
    "associations",
    "closest_distances",
    "closest_record_share",
    "column_pair_trends",
    "column_shapes",
]

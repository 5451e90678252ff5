"""Every error that a caller may catch: those of the densities, and those of a client.

`madeira.models.errors` and `madeira.app.errors` draw the two trees. A `Client` raises the same
classes as the `DensityEstimator` for rows and options that are wrong, and the service's own for
everything else.
"""

from madeira.app.errors import (
    AppError,
    BodyTooLargeError,
    ComputationError,
    DeadlineError,
    DrainingError,
    PoisonousJobError,
    QueueFullError,
    RequestError,
    RequestTimeoutError,
    TooManyConnectionsError,
    UnavailableError,
    UnexpectedAnswerError,
    UnknownModelError,
    UnreachableError,
)
from madeira.models.errors import (
    CellError,
    CheckpointError,
    ConfigError,
    ModelsError,
    NumericalError,
    OrderingError,
    RowsTypeError,
    SchemaError,
    TableError,
    TableFileError,
    TrainingError,
    TrainingWarning,
)

__all__ = [
    "AppError",
    "BodyTooLargeError",
    "CellError",
    "CheckpointError",
    "ComputationError",
    "ConfigError",
    "DeadlineError",
    "DrainingError",
    "ModelsError",
    "NumericalError",
    "OrderingError",
    "PoisonousJobError",
    "QueueFullError",
    "RequestError",
    "RequestTimeoutError",
    "RowsTypeError",
    "SchemaError",
    "TableError",
    "TableFileError",
    "TooManyConnectionsError",
    "TrainingError",
    "TrainingWarning",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UnknownModelError",
    "UnreachableError",
]

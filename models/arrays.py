"""Names of array types. The docstrings of functions give the shapes."""

import numpy as np
import numpy.typing as npt

__all__ = ["Bool", "Float32", "Float64", "Int64"]

Bool = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

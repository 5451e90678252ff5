"""Datetime columns: dates and time stamps, as continuous columns of seconds since 1970.

The code keeps the time zone out: it is part of the Arrow type, which decoding gives back.
"""

from typing import Any, ClassVar

from madeira.models.columns.continuous import Continuous
from madeira.models.values.arrow_types import Family
from madeira.models.values.vocabulary import Value

__all__ = ["Datetime"]


class Datetime(Continuous):
    """A column of instants; densities are per second."""

    kind: ClassVar[str] = "datetime"
    families: ClassVar[tuple[Family, ...]] = (Family.INSTANT,)

    def describe(self) -> dict[str, Any]:
        """Describe the column; the unit of its density is added."""
        return super().describe() | {"unit": "s"}

    def _example(self) -> Value:
        return self._to_json(round(self.shift))

"""Data frames of any library that Narwhals knows, lazy ones and relations included."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pyarrow as pa
from narwhals.dtypes import DType

from madeira.models.tables.form import Data, Form

__all__ = ["FrameForm"]

AnyFrame = nw.DataFrame[Any] | nw.LazyFrame[Any]


@dataclass(frozen=True)
class FrameForm:
    """A frame.

    Attributes:
        library: Whose it is, as Narwhals names it.
        lazy: Whether it is computed when it is asked for; a relation is.
        types: Types of its columns by name.
    """

    library: Any
    lazy: bool
    types: Mapping[str, DType]

    @classmethod
    def of(cls, frame: AnyFrame, trained: Form | None = None) -> "FrameForm":
        """Return the form of a frame.

        Args:
            frame: The frame.
            trained: Form of the training rows, whose types columns of no type take.
        """
        known = trained.types if isinstance(trained, FrameForm) else {}
        own = {name: kind for name, kind in frame.collect_schema().items() if kind != nw.Unknown}
        return cls(frame.implementation, isinstance(frame, nw.LazyFrame), {**known, **own})

    @staticmethod
    def table(frame: AnyFrame) -> pa.Table:
        """Return the rows of a frame; a lazy one is computed, once."""
        if isinstance(frame, nw.LazyFrame):
            return frame.collect(backend="pyarrow").to_native()
        return frame.to_arrow()

    def fresh(self, table: pa.Table) -> Data:
        """Return new rows as a frame."""
        frame: AnyFrame
        if self.lazy:
            frame = nw.from_native(table, eager_only=True).lazy(backend=self.library)
        else:
            frame = nw.DataFrame.from_arrow(table, backend=self.library)
        casts = [
            nw.col(name).cast(self.types[name])
            for name, found in frame.collect_schema().items()
            if name in self.types and self._differs(self.types[name], found)
        ]
        return (frame.with_columns(*casts) if casts else frame).to_native()

    def filled(self, given: Data, table: pa.Table) -> Data:
        """Return the filled rows as a frame."""
        return self.fresh(table)

    @staticmethod
    def _differs(wanted: DType, found: DType) -> bool:
        """Whether a type is to be cast; a number of the model may not fit a narrower type."""
        return wanted != found and not (wanted.is_numeric() and found.is_numeric())

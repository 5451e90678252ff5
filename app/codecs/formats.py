"""The formats of bodies and answers that the service has."""

from madeira.app.codecs.arrow.format import ArrowFileFormat, ArrowFormat
from madeira.app.codecs.csv.format import CsvFormat
from madeira.app.codecs.format import Format
from madeira.app.codecs.json.format import JsonFormat
from madeira.app.codecs.ndjson.format import NdjsonFormat
from madeira.app.codecs.npy.format import NpyFormat
from madeira.app.codecs.parquet.format import ParquetFormat

__all__ = ["FORMATS", "JSON", "find_format", "format_of_short", "format_of_suffix"]

JSON: Format = JsonFormat()
"""The format of a body without a content type, and of all other documents."""

_ALL: tuple[Format, ...] = (
    JSON,
    CsvFormat(),
    NdjsonFormat(),
    ParquetFormat(),
    ArrowFormat(),
    ArrowFileFormat(),
    NpyFormat(),
)

FORMATS: dict[str, Format] = {one.media_type: one for one in _ALL}
"""By media type. A format that is added here is taken and answered by every question."""


def find_format(media_type: str) -> Format | None:
    """Return the format of a media type or of an alias of one, in lower case; None if unknown."""
    found = FORMATS.get(media_type)
    if found is not None:
        return found
    return next((one for one in FORMATS.values() if media_type in one.aliases), None)


def format_of_short(short: str) -> Format | None:
    """Return the format of a short name, as in `?format=csv`; None if unknown."""
    return next((one for one in FORMATS.values() if one.short == short), None)


def format_of_suffix(suffix: str) -> Format | None:
    """Return the format of files whose name ends so, without the point; None if unknown."""
    found = format_of_short(suffix)
    return found or next((one for one in FORMATS.values() if suffix in one.suffixes), None)

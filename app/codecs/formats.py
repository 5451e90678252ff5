"""The formats of bodies and answers that the service has."""

from madeira.app.codecs.arrow.format import ArrowFormat
from madeira.app.codecs.format import Format
from madeira.app.codecs.json.format import JsonFormat

__all__ = ["FORMATS", "JSON"]

JSON: Format = JsonFormat()
"""The format of a body without a content type, and of all other documents."""

FORMATS: dict[str, Format] = {one.media_type: one for one in (JSON, ArrowFormat())}
"""By media type. A format that is added here is taken and answered by every question."""

"""Content negotiation: the format of a body, and the format of its answer."""

import re
from collections.abc import Mapping
from functools import lru_cache

from madeira.app.codecs.format import Format
from madeira.app.codecs.formats import FORMATS, JSON
from madeira.app.errors import NotAcceptableError, UnsupportedMediaError
from madeira.models.echo import cut, quoted

__all__ = ["answer_format", "body_format", "check_accept"]

_QUALITY = re.compile(r"q=([01](?:\.\d{0,3})?)")
MAX_CACHED_ACCEPT = 256
"""Most characters of an `Accept` header whose meaning is remembered; browsers send some 100."""

_JSON_ALONE = (JSON.media_type,)


def body_format(headers: Mapping[str, str]) -> Format:
    """Return the format of a body; a body of no stated type is taken for JSON.

    Args:
        headers: Of the request, by name in lower case.

    Raises:
        UnsupportedMediaError: It says that it is something else, or compressed.
    """
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise UnsupportedMediaError(
            f"The body is coded as {quoted(coding)}; send it without Content-Encoding."
        )
    media_type, _, parameters = headers.get("content-type", JSON.media_type).partition(";")
    found = FORMATS.get(media_type.strip().lower())
    if found is None:
        known = ", or ".join(
            f"{one.name}, with `Content-Type: {one.media_type}`" for one in FORMATS.values()
        )
        raise UnsupportedMediaError(
            f"The body is {quoted(media_type.strip())}; send {known}.",
            headers={"Accept-Post": ", ".join(FORMATS)},
        )
    name, _, charset = parameters.strip().partition("=")
    if name.strip().lower() == "charset" and charset.strip('" ').lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaError(f"The body is in {quoted(charset)}; JSON is sent in UTF-8.")
    return found


def answer_format(headers: Mapping[str, str], body: Format) -> Format:
    """Return the format that the client accepts most; among equals that of its body.

    Args:
        headers: Of the request, by name in lower case.
        body: The format of its body.

    Raises:
        NotAcceptableError: It accepts none.
    """
    accept = headers.get("accept", "").strip()
    if accept in ("", "*/*"):
        return body
    offered = (body.media_type, *(other for other in FORMATS if other != body.media_type))
    return FORMATS[_best(accept, offered)]


def check_accept(headers: Mapping[str, str]) -> None:
    """Check that the client accepts JSON, where there is nothing else.

    Raises:
        NotAcceptableError: It does not.
    """
    accept = headers.get("accept", "").strip()
    if accept:
        _best(accept, _JSON_ALONE)


def _best(accept: str, offered: tuple[str, ...]) -> str:
    # Only short headers are cached; a longer one is read again each time.
    read = _known_preferred if len(accept) <= MAX_CACHED_ACCEPT else _preferred
    return read(accept, offered)


def _preferred(accept: str, offered: tuple[str, ...]) -> str:
    ranges = _ranges(accept)
    best = max(offered, key=lambda media_type: _quality(ranges, media_type))
    if not _quality(ranges, best):
        raise NotAcceptableError(
            f"The answer is {' or '.join(offered)}, which `Accept: {cut(accept, 200)}` rules out."
        )
    return best


_known_preferred = lru_cache(maxsize=64)(_preferred)


def _ranges(accept: str) -> dict[str, float]:
    """How much a client wants each media range of its `Accept` header, 0 to 1."""
    ranges = {}
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        found = (match for one in parameters if (match := _QUALITY.fullmatch(one)))
        quality = next(found, None)
        ranges[media_range] = float(quality[1]) if quality else 1.0
    return ranges


def _quality(ranges: Mapping[str, float], offered: str) -> float:
    """How much a client wants a media type; the most specific range decides."""
    general = offered.partition("/")[0] + "/*"
    return next((ranges[r] for r in (offered, general, "*/*") if r in ranges), 0.0)

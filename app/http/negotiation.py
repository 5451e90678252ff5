"""Content negotiation: the format of a body, and the format of its answer."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from madeira.app.codecs.format import Format
from madeira.app.codecs.formats import FORMATS, JSON, find_format, format_of_short
from madeira.app.errors import InvalidInputError, NotAcceptableError, UnsupportedMediaError
from madeira.models.echo import cut, did_you_mean, listed, quoted

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
        UnsupportedMediaError: It says that it is something else.
    """
    media_type, _, parameters = headers.get("content-type", JSON.media_type).partition(";")
    found = find_format(media_type.strip().lower())
    if found is None:
        known = ", or ".join(
            f"{one.name}, with `Content-Type: {one.media_type}`" for one in FORMATS.values()
        )
        raise UnsupportedMediaError(
            f"The body is {quoted(media_type.strip())}; send {known}.",
            headers={"Accept-Post": ", ".join(FORMATS)},
        )
    if not parameters:
        return found
    named = _parameters(parameters.split(";"))
    charset = named.pop("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaError(
            f"The body is in {quoted(charset)}; {found.name} is sent in UTF-8."
        )
    return found.with_parameters(named)


def _parameters(parts: Sequence[str]) -> dict[str, str]:
    """Return the parameters of a media type, `name=value` each, by name in lower case."""
    pairs = (part.partition("=") for part in parts if part.strip())
    return {name.strip().lower(): value.strip(' "') for name, _, value in pairs}


def answer_format(headers: Mapping[str, str], body: Format, short: str | None = None) -> Format:
    """Return the format that the client accepts most; among equals that of its body.

    Args:
        headers: Of the request, by name in lower case.
        body: The format of its body.
        short: What the query says of it, as in `?format=csv`, which goes before the header.

    Raises:
        InvalidInputError: There is no format of the short name.
        NotAcceptableError: It accepts none.
    """
    if short is not None:
        named = format_of_short(short)
        if named is None:
            known = [one.short for one in FORMATS.values()]
            raise InvalidInputError(
                f"`format` is {quoted(short)}.{did_you_mean(short, known)} "
                f"It is one of {listed(known)}."
            )
        return body if named.media_type == body.media_type else named
    accept = headers.get("accept", "").strip()
    if accept in ("", "*/*"):
        return body
    offered = (body.media_type, *(other for other in FORMATS if other != body.media_type))
    best, parameters = _best(accept, offered)
    if parameters:
        return FORMATS[best].with_parameters(_parameters(parameters))
    return body if best == body.media_type else FORMATS[best]


def check_accept(headers: Mapping[str, str]) -> None:
    """Check that the client accepts JSON, where there is nothing else.

    Raises:
        NotAcceptableError: It does not.
    """
    accept = headers.get("accept", "").strip()
    if accept:
        _best(accept, _JSON_ALONE)


def _best(accept: str, offered: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    # Only short headers are cached; a longer one is read again each time.
    read = _known_preferred if len(accept) <= MAX_CACHED_ACCEPT else _preferred
    return read(accept, offered)


def _preferred(accept: str, offered: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the media type that a client wants most, and the parameters that it named with it.

    Raises:
        NotAcceptableError: It wants none.
    """
    ranges = _ranges(accept)
    best = max(offered, key=lambda media_type: _quality(ranges, media_type)[0])
    quality, parameters = _quality(ranges, best)
    if not quality:
        raise NotAcceptableError(
            f"The answer is {' or '.join(offered)}, which `Accept: {cut(accept, 200)}` rules out."
        )
    return best, parameters


_known_preferred = lru_cache(maxsize=64)(_preferred)


def _ranges(accept: str) -> dict[str, tuple[float, tuple[str, ...]]]:
    """How much a client wants each media range, 0 to 1, and the parameters of it."""
    ranges = {}
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        found = (match for one in parameters if (match := _QUALITY.fullmatch(one)))
        quality = next(found, None)
        if (form := find_format(media_range)) is not None:
            media_range = form.media_type
        others = tuple(one for one in parameters if not one.startswith("q="))
        ranges[media_range] = float(quality[1]) if quality else 1.0, others
    return ranges


def _quality(
    ranges: Mapping[str, tuple[float, tuple[str, ...]]], offered: str
) -> tuple[float, tuple[str, ...]]:
    """How much a client wants a media type; the most specific range decides."""
    general = offered.partition("/")[0] + "/*"
    return next((ranges[r] for r in (offered, general, "*/*") if r in ranges), (0.0, ()))

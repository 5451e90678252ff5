"""Which format a body is in, and whether the client accepts what would be sent."""

from collections.abc import Mapping

from app.codecs.json import MEDIA_TYPE
from app.errors import NotAcceptableError, UnsupportedMediaError

__all__ = ["check_accept", "check_content_type"]


def check_content_type(headers: Mapping[str, str]) -> None:
    """Checks that the body is JSON; a body of no stated type is taken for it.

    Raises:
        UnsupportedMediaError: It says that it is something else, or compressed.
    """
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise UnsupportedMediaError(
            f"The body is coded as {coding!r}; send it without Content-Encoding."
        )
    media_type, _, parameters = headers.get("content-type", MEDIA_TYPE).partition(";")
    if media_type.strip().lower() != MEDIA_TYPE:
        raise UnsupportedMediaError(
            f"The body is {media_type.strip()!r}; send JSON, with `Content-Type: {MEDIA_TYPE}`.",
            headers={"Accept-Post": MEDIA_TYPE},
        )
    name, _, charset = parameters.strip().partition("=")
    if name.strip().lower() == "charset" and charset.strip('" ').lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaError(f"The body is in {charset!r}; JSON is sent in UTF-8.")


def check_accept(headers: Mapping[str, str]) -> None:
    """Checks that the client accepts JSON.

    Raises:
        NotAcceptableError: It does not.
    """
    accept = headers.get("accept", "").strip()
    if accept and not _accepts(accept, MEDIA_TYPE):
        raise NotAcceptableError(
            f"The answer is {MEDIA_TYPE}, which `Accept: {accept[:200]}` rules out."
        )


def _accepts(accept: str, offered: str) -> bool:
    """Whether an `Accept` header allows a media type; the most specific range decides."""
    ranges = {}
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        ranges[media_range] = quality.strip("0.") != ""
    general = offered.partition("/")[0] + "/*"
    for candidate in (offered, general, "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return False

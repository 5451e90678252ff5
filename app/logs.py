"""The log: one line a message, as text or as JSON, and one line a request.

A request has an id. It is taken from `X-Request-Id` where that is sane, else it is made; the
answer returns it in the same header, a problem document as `request_id`, and every message that
is logged while the request is under way carries it.
"""

import logging
import re
import secrets
import sys
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

import orjson

from madeira.models.echo import escaped

if TYPE_CHECKING:
    from madeira.app.traces import RequestSpan

__all__ = ["LogFormat", "RequestNote", "current", "request_id_of", "set_up_logs"]

LogFormat = Literal["text", "json"]

# Ids need to differ, not to be secret: so many random bits would cost a system call each.
_PROCESS, _numbers = secrets.token_hex(6), count()
_SANE = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")


class RequestNote:
    """Facts about a request, for its line in the log.

    Attributes:
        request_id: Its id.
        rows: How many rows it was about; None where that is not known.
        model: Name of the model that answered; None where there is none.
        version: Its version.
        span: The trace of the request; None where none is taken.
    """

    __slots__ = ("model", "request_id", "rows", "span", "version")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.rows: int | None = None
        self.model: str | None = None
        self.version: str | None = None
        self.span: RequestSpan | None = None


current: ContextVar[RequestNote | None] = ContextVar("madeira_request", default=None)
"""The request that is under way."""


def request_id_of(sent: str) -> str:
    """Return the id that a client sent, if it is short and plain, else one of its own."""
    if _SANE.fullmatch(sent):
        return sent
    return f"{_PROCESS}{next(_numbers):08x}"


class _Json(logging.Formatter):
    """One JSON object a line; line breaks in its values are escaped, as JSON does."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        note = current.get()
        if note is not None:
            entry["request_id"] = note.request_id
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(entry, default=str).decode()
        except TypeError:  # half of a surrogate pair, as in a file's name that is not UTF-8
            texts = {name: _encodable(value) for name, value in entry.items()}
            return orjson.dumps(texts, default=str).decode()


class _Text(logging.Formatter):
    """Time, level and message, with the fields of a request, always on one line.

    The lines of a traceback follow, indented: no text that is logged can look like a line.
    """

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03d"

    def formatMessage(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        pairs = " ".join(f"{name}={value}" for name, value in fields.items())
        return escaped(f"{super().formatMessage(record)} {pairs}".rstrip())

    def formatException(self, ei: Any) -> str:  # noqa: ANN401 - logging's own
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"    {escaped(line)}" for line in lines)


def _encodable(value: object) -> object:
    """Return a value of which a text can be written as UTF-8."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def set_up_logs(form: LogFormat, level: str) -> None:
    """Send all messages of this process to the standard error, in one form.

    Args:
        form: `json`, or `text` for people.
        level: Least severe message that is written.
    """
    # What no line of either form shows need not be found out for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Json() if form == "json" else _Text("%(asctime)s %(levelname)s: %(message)s")
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"  # each request has a line already

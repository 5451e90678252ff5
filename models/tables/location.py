"""Where a file is: a path, or a URL that is fetched first."""

import re
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

from madeira.models.errors import TableFileError

__all__ = ["local_file"]

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_PATIENCE_S: Final = 60.0  # between two pieces of an answer


@contextmanager
def local_file(source: str | Path) -> Iterator[Path]:
    """Give a path under which the file can be read while this is entered.

    Args:
        source: A path, `~` understood, or a URL of `file`, `http` or `https`.

    Raises:
        TableFileError: The URL is of another scheme or cannot be fetched. One that is raised
            inside names the URL in the place of the copy.
    """
    text = str(source)
    if isinstance(source, Path) or not _URL.match(text):
        yield Path(source).expanduser()
        return
    parts = urlsplit(text)
    if parts.scheme.lower() == "file":
        yield Path(urllib.request.url2pathname(parts.path))
        return
    if parts.scheme.lower() not in ("http", "https"):
        raise TableFileError(f"{text}: URLs are read of file, http and https")
    with tempfile.TemporaryDirectory(prefix="madeira-table-") as folder:
        copy = Path(folder) / (PurePosixPath(unquote(parts.path)).name or "table")
        try:
            with (
                urllib.request.urlopen(text, timeout=_PATIENCE_S) as answer,  # noqa: S310
                copy.open("wb") as file,
            ):
                shutil.copyfileobj(answer, file)
                unsent = answer.length
        except (OSError, HTTPException, ValueError) as error:
            if isinstance(error, HTTPError):
                error.close()  # it holds the connection
            raise TableFileError(f"{text} cannot be fetched: {error}") from error
        if unsent:  # part of a table would pass for all of it
            raise TableFileError(f"{text} cannot be fetched: the connection ended too early")
        try:
            yield copy
        except TableFileError as error:
            raise TableFileError(str(error).replace(str(copy), text)) from error

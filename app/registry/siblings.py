"""Reloads in all API processes of one service: each tells the others to look for new versions.

Each listens on a Unix socket in the runtime directory, which only their user can enter. A
question is the name of a model as one line of JSON, the answer is the version that is served of
it once the process has looked.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson

__all__ = ["Siblings"]

log = logging.getLogger(__name__)

ANSWER_LIMIT_S = 600.0
"""Loading a model may take minutes; a process that takes longer is not waited for."""

Look = Callable[[str], Awaitable[str | None]]
"""Looks for new versions of a model, and returns the one that is then served."""


class Siblings:
    """The other API processes of the service.

    Args:
        directory: The runtime directory.
        look: Called when another process asks this one.
    """

    def __init__(self, directory: Path, look: Look) -> None:
        self._directory = directory
        self._look = look
        self._own = directory / f"api-{os.getpid()}.sock"
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Answer the others from now on."""
        self._own.unlink(missing_ok=True)  # of a process that had the same number
        self._server = await asyncio.start_unix_server(self._answer, self._own)

    async def look(self, name: str) -> list[str | None]:
        """Have all others look for new versions of a model.

        Returns:
            The version that each of them serves then; None also where one did not answer. A
            process that has died is none of them: the one in its place reads what is there.
        """
        others = [path for path in self._directory.glob("api-*.sock") if path != self._own]
        answers = await asyncio.gather(*(self._ask(path, name) for path in others))
        return [version for (version,) in filter(None, answers)]

    async def _ask(self, path: Path, name: str) -> tuple[str | None] | None:
        """Return the version that another process serves; None where there is no process."""
        try:
            reader, writer = await asyncio.open_unix_connection(path)
        except OSError:
            return None
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                writer.write(orjson.dumps(name) + b"\n")
                version: str | None = orjson.loads(await reader.readline())
        except (OSError, ValueError):
            log.error("an API process did not answer when it was told to look for models")
            return (None,)
        else:
            return (version,)
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            name = orjson.loads(await reader.readline())
            writer.write(orjson.dumps(await self._look(name)) + b"\n")
            await writer.drain()
        except (OSError, ValueError):
            log.exception("an API process asked what cannot be answered")
        finally:
            writer.close()

    def close(self) -> None:
        """Stop answering."""
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(OSError):
            self._own.unlink()

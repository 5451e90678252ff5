"""Record which functions of the service a process calls.

Python imports a module of this name at start-up. `python -m tests.trace` puts this folder on
`PYTHONPATH` of the service that it starts, and its workers inherit it.

While the file `recording` exists in the folder `TRACE_DIRECTORY`, each call of a function in
`madeira` is recorded, in order. Once it is removed, the process writes its calls to a file there.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

__all__: list[str] = []

POLL_S = 0.02
PACKAGE = f"{os.sep}madeira{os.sep}"
"""Part of the path of every file that is recorded; what stands behind it is the file's name."""
PARTS = ("comp>", "<genexpr>")
"""Ends of the names of comprehensions, which count as part of their function."""

_calls: list[tuple[str, str]] = []
_records = False


def _note(frame: FrameType, event: str, _: Any) -> None:  # noqa: ANN401 - what Python passes
    if _records and event == "call":
        _, found, name = frame.f_code.co_filename.rpartition(PACKAGE)
        if found and not frame.f_code.co_name.endswith(PARTS):
            _calls.append((name, frame.f_code.co_qualname))


def _poll(folder: Path) -> None:
    """Start and stop recording when the file `recording` comes and goes."""
    global _records
    while True:
        time.sleep(POLL_S)
        wanted = (folder / "recording").exists()
        if _records and not wanted:
            _records = False
            part = folder / f"{os.getpid()}.part"
            command = " ".join(sys.orig_argv)
            part.write_text(json.dumps({"command": command, "calls": _calls}))
            part.rename(part.with_suffix(".json"))
            _calls.clear()
        _records = wanted


if "TRACE_DIRECTORY" in os.environ:
    threading.Thread(target=_poll, args=[Path(os.environ["TRACE_DIRECTORY"])], daemon=True).start()
    threading.setprofile(_note)
    sys.setprofile(_note)

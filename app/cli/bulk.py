"""What `madeira score`, `impute` and `sample` do alike: progress, output, summary."""

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import typer

from madeira.app.cli.bulk_options import Form
from madeira.app.errors import BulkError
from madeira.models.model_directories import find_checkpoint

if TYPE_CHECKING:
    from madeira.app.bulk.answers import Model
    from madeira.app.bulk.blocks import Source
    from madeira.app.bulk.parts import Part, Parts
    from madeira.app.bulk.run import BlockT

__all__ = ["BulkOutput", "load_model", "manifest_of", "say", "say_columns"]

_STANDARD: Final = "-"
_LINE_EVERY_S: Final = 30.0


@dataclass(frozen=True)
class BulkOutput:
    """Where the answers go, and how it is told.

    Attributes:
        out: The file, or `-` for standard output.
        form: Format of standard output.
        resume: Whether a former run goes on.
        refused: File of the rows that are set aside; None for one beside the output.
        as_json: Whether the summary is JSON.
        threads: Blocks computed at once; None for the number of cores.
    """

    out: str
    form: Form
    resume: bool
    refused: Path | None
    as_json: bool
    threads: int | None

    @property
    def extension(self) -> str:
        """Extension of the format."""
        return f".{self.form}" if self.path is None else self.path.suffix.lower()

    @property
    def path(self) -> Path | None:
        """The file; None for standard output."""
        return None if self.out == _STANDARD else Path(self.out).expanduser()

    @property
    def as_texts(self) -> bool:
        """Whether the format has text alone, so that cells of text are kept as they are."""
        return self.extension == ".csv"

    def check(self, files: Sequence["Source"] = ()) -> None:
        """Check before anything is computed that the output can be written.

        Args:
            files: Of the input.

        Raises:
            BulkError: It cannot.
        """
        from madeira.app.bulk.outputs import EXTENSIONS

        if self.path is None:
            if self.resume:
                raise BulkError("standard output cannot be resumed; write to a file with --out")
            return
        if self.resume and any(file.name == _STANDARD for file in files):
            raise BulkError("standard input cannot be resumed; name a file")
        if self.extension not in EXTENSIONS:
            raise BulkError(f"{self.path}: the extension has to be one of {', '.join(EXTENSIONS)}")
        if not self.path.absolute().parent.is_dir():
            raise BulkError(f"{self.path.parent} is not a directory")
        if self.path.is_dir():
            raise BulkError(f"{self.path} is a directory")
        if any(self.path.exists() and self.path.samefile(file.path) for file in files):
            raise BulkError(f"{self.path} is one of the files that are read")

    def write(
        self,
        blocks: Iterable["BlockT"],
        answer: Callable[["BlockT"], "Part"],
        manifest: Mapping[str, Any],
    ) -> None:
        """Answer all blocks, write the output and say what was done.

        Args:
            blocks: What is asked about.
            answer: Answers a block.
            manifest: What is computed of what.

        Raises:
            BulkError: The output cannot be written, or not be resumed.
            KeyboardInterrupt: Ctrl-C came; what is done is kept.
        """
        from madeira.app.bulk.parts import open_parts
        from madeira.app.bulk.run import cores, run

        began = time.monotonic()
        with open_parts(self.path, manifest, resume=self.resume) as parts:
            resumed = len(parts.done())
            with self._progress() as on_progress:
                try:
                    run(blocks, answer, parts, self.threads or cores(), on_progress)
                except KeyboardInterrupt:
                    if self.path is not None and not self.as_json:
                        say("Stopped; the same command with --resume goes on.")
                    raise
            try:
                summary = self._join(parts)
            except OSError as error:
                raise BulkError(
                    f"{self.out} cannot be written: {error.strerror or error}; "
                    "the same command with --resume goes on"
                ) from error
        seconds = time.monotonic() - began
        self._say(summary | {"seconds": round(seconds, 3), "resumed_blocks": resumed})

    def _join(self, parts: "Parts") -> dict[str, Any]:
        """Write the output and the rows that were set aside; return the summary."""
        counts, unseen = Counter[str](), Counter[str]()
        first: Mapping[str, Any] | None = None
        place = self._refused_path()
        if place is not None:
            place.unlink(missing_ok=True)
        with ExitStack() as stack:
            aside: BinaryIO | None = None
            for notes in parts.notes():
                refused = notes["refused"]
                counts.update({"rows": notes["rows"], "refused_rows": len(refused)})
                counts.update(notes["counts"])
                unseen.update(notes["unseen"])
                if refused and place is not None:
                    aside = aside or stack.enter_context(_replacing(place))
                    aside.writelines(f"{json.dumps(row)}\n".encode() for row in refused)
                first = first or next(iter(refused), None)
        if self.path is None:
            parts.join(self.extension, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with _replacing(self.path) as file:
                parts.join(self.extension, file)
        summary: dict[str, Any] = {"out": self.out, **counts, "unseen": unseen}
        if first is not None:
            summary["first_refused"] = first
            if place is not None:
                summary["refused"] = str(place)
        return summary

    def _refused_path(self) -> Path | None:
        if self.refused is not None or self.path is None:
            return self.refused
        return self.path.with_name(f"{self.path.name}.refused.ndjson")

    def _say(self, summary: Mapping[str, Any]) -> None:
        aside = self.path is None  # standard output has the rows
        if self.as_json:
            typer.echo(json.dumps(summary), err=aside)
            return
        rows, seconds = summary["rows"], summary["seconds"]
        text = f"{self.out}: {rows:,} rows in {seconds:.1f} s"
        if seconds and not summary["resumed_blocks"]:
            text += f", {rows / seconds:,.0f} rows/s"
        if rows and "anomalies" in summary:
            share = summary["anomalies"] / rows
            text += f"; {summary['anomalies']:,} of them anomalies ({share:.2%})"
        if "filled" in summary:
            text += f"; {summary['filled']:,} cells filled"
        typer.echo(text, err=aside)
        if unseen := summary["unseen"]:
            columns = [f"{name} ({count:,})" for name, count in unseen.items()]
            say(f"Cells of categories that training has not seen: {_some(columns)}")
        if first := summary.get("first_refused"):
            where = f"written to {summary['refused']}" if "refused" in summary else "left out"
            say(
                f"{summary['refused_rows']:,} rows do not fit the model and are {where}; the "
                f"first: row {first['row']} of {first['file']}, column {first['column']!r}: "
                f"{first['message']}"
            )

    @contextmanager
    def _progress(self) -> Iterator[Callable[[int, float], None]]:
        """Show rows, rows a second and the time left: a bar on a terminal, else a few lines."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console, began = Console(stderr=True), time.monotonic()
        rows, spoken = 0, began
        if self.as_json:
            yield lambda _rows, _share: None
            return
        if not console.is_terminal:

            def tell(more: int, share: float) -> None:
                nonlocal rows, spoken
                rows, now = rows + more, time.monotonic()
                if now - spoken > _LINE_EVERY_S:
                    spoken, rate = now, rows / (now - began)
                    say(f"{rows:,} rows, {rate:,.0f} rows/s, {share:.0%}")

            yield tell
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:.0f} %"),
            TimeRemainingColumn(compact=True),
        )
        with Progress(*columns, console=console, transient=True) as bars:
            task = bars.add_task("0 rows", total=1.0)

            def show(more: int, share: float) -> None:
                nonlocal rows
                rows += more
                rate = rows / max(time.monotonic() - began, 1e-9)
                text = f"{rows:,} rows, {rate:,.0f} rows/s"
                bars.update(task, completed=share, description=text)

            yield show


@contextmanager
def load_model(
    model: str, version: str | None, checkpoints: Path | None, device: str, url: str | None
) -> Iterator["Model"]:
    """Give a model of this machine, or of a service, while this is entered.

    Args:
        model: Name, or path of its directory.
        version: The latest, or the one that is served, by default.
        checkpoints: Directories of models.
        device: Where it computes.
        url: Of the service.
    """
    if url is not None:
        from madeira.app.bulk.remote_model import RemoteModel

        remote = RemoteModel.of(url, model, version)
        with remote.client:
            yield remote
        return
    path = find_checkpoint(model, version, checkpoints)  # before what takes seconds is imported
    from madeira.app.bulk.local_model import LocalModel

    yield LocalModel.load(path, device)


def manifest_of(
    job: str, model: "Model", files: Sequence["Source"], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is computed of what: a run that goes on must have the same.

    Args:
        job: `score`, `impute` or `sample`.
        model: What answers.
        files: Of the input.
        options: Those on which the rows depend.
    """
    from madeira.app.bulk.blocks import BLOCK_ROWS

    return {
        "job": job,
        "model": dict(model.identity),
        "files": [[file.name, *file.stamp] for file in files],
        "options": dict(options),
        "block_rows": BLOCK_ROWS,
    }


def say(text: str) -> None:
    """Tell something beside the output."""
    typer.echo(text, err=True)


def say_columns(model: "Model", names: Sequence[str]) -> None:
    """Say which columns of the model the files lack, and which the model does not know.

    Args:
        model: What answers.
        names: Columns of the files.

    Raises:
        BulkError: They have none of its columns.
    """
    known = [column["name"] for column in model.columns]
    missing = [name for name in known if name not in names]
    if len(missing) == len(known):
        raise BulkError(f"the rows have none of the model's columns: {_some(known)}")
    if missing:
        say(f"Columns that the rows lack, taken as missing: {_some(missing)}")
    strange = [name for name in names if name not in {*known, *model.excluded}]
    if strange:
        say(f"Columns that the model does not know, kept as they are: {_some(strange)}")


def _some(names: Sequence[str]) -> str:
    from madeira.models.echo import listed

    return listed(names)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside a place, which it takes once it is whole and on the disk."""
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(0o666 & ~_umask())
        Path(beside).replace(path)
    finally:
        Path(beside).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

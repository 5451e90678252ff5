"""The parts of an output: kept until all are there, so that a run that was killed can go on.

```
scores.csv.parts/
    manifest.json     what is computed of what: files, model, options
    00000000.arrows   the answer to the first block, and the rows of it that were refused
```

A part is written beside its place and renamed, and so is the output at the end. A run that goes on
skips the blocks whose parts are there: no row is missing and none is there twice.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
from pyarrow import ipc

from madeira.app.bulk.outputs import writer
from madeira.app.errors import BulkError

try:
    import fcntl
except ImportError:  # Windows: two runs at once are not told apart
    fcntl = None  # type: ignore[assignment]

__all__ = ["Part", "Parts", "open_parts"]

_MANIFEST: Final = "manifest.json"
_PART: Final = ".arrows"
_NOTES: Final = b"madeira"


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to a block.

    Attributes:
        table: Rows of the output.
        refused: Rows that were refused, each a JSON object.
        counts: What was counted in it, by name.
        unseen: Cells whose category training has not seen, by column.
    """

    table: pa.Table
    refused: Sequence[Mapping[str, Any]] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    unseen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one output.

    Attributes:
        folder: Where they are.
        manifest: What is computed of what.
    """

    folder: Path
    manifest: Mapping[str, Any]

    def done(self) -> frozenset[int]:
        """Return the numbers of the blocks whose parts are there."""
        return frozenset(int(path.stem) for path in self.folder.glob(f"*{_PART}"))

    def keep(self, number: int, part: Part) -> None:
        """Write a part, whole or not at all.

        Args:
            number: Of its block.
            part: The answer.
        """
        said = {"rows": part.table.num_rows, "refused": part.refused}
        said |= {"counts": part.counts, "unseen": part.unseen}
        notes = json.dumps(said, default=str)
        schema = part.table.schema.with_metadata({_NOTES: notes.encode()})
        place = self.folder / f"{number:08d}{_PART}"
        beside = place.with_suffix(".partial")
        options = ipc.IpcWriteOptions(compression="lz4")
        with (
            pa.OSFile(str(beside), "wb") as file,
            ipc.new_stream(file, schema, options=options) as stream,
        ):
            stream.write_table(part.table.replace_schema_metadata(schema.metadata))
        beside.replace(place)

    def notes(self) -> Iterator[Mapping[str, Any]]:
        """Yield what each part says beside its table: `rows`, `refused`, `counts`, `unseen`."""
        for path in self._paths():
            with pa.OSFile(str(path)) as file, ipc.open_stream(file) as stream:
                notes: Mapping[str, Any] = json.loads(stream.schema.metadata[_NOTES])
                yield notes

    def join(self, extension: str, file: BinaryIO) -> None:
        """Write all parts as one table.

        Args:
            extension: Of its format.
            file: What is written to.

        Raises:
            BulkError: Two parts have different columns.
        """
        schemas = []
        for path in self._paths():
            with pa.OSFile(str(path)) as part, ipc.open_stream(part) as stream:
                schemas.append(stream.schema.remove_metadata())
        try:
            # A column may be whole numbers in one block and have fractions in another.
            schema = pa.unify_schemas(schemas, promote_options="permissive")
            joined = writer(extension, file, schema)
            for path in self._paths():
                with pa.memory_map(str(path)) as part, ipc.open_stream(part) as stream:
                    joined.write(_with_columns(stream.read_all(), schema))
        except pa.ArrowException as error:
            raise BulkError(f"the rows cannot be written as one table: {error}") from error
        joined.close()

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{_PART}"))


def _with_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with the columns of a schema, null where it lacks one."""
    for column in schema:
        if column.name not in table.column_names:
            table = table.append_column(column, pa.nulls(table.num_rows, column.type))
    return table.select(schema.names).cast(schema)


@contextlib.contextmanager
def open_parts(
    output: Path | None, manifest: Mapping[str, Any], *, resume: bool
) -> Iterator[Parts]:
    """Give the parts of an output, while this is entered; they stay if it ends with an error.

    Args:
        output: File of the output; None for standard output, whose parts are in a temporary
            folder.
        manifest: What is computed of what.
        resume: Whether parts of a former run are used; else they are removed.

    Raises:
        BulkError: Another run writes this output, or the former run was another.
    """
    if output is None:
        with tempfile.TemporaryDirectory(prefix="madeira-parts-") as folder:
            yield Parts(Path(folder), manifest)
        return
    folder_of_parts = output.with_name(output.name + ".parts")
    with _locked(folder_of_parts):
        if resume:
            _check_same(folder_of_parts, manifest)
        else:
            for path in folder_of_parts.iterdir():
                path.unlink()
        beside = folder_of_parts / f"{_MANIFEST}.partial"
        beside.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        beside.replace(folder_of_parts / _MANIFEST)
        yield Parts(folder_of_parts, manifest)
        shutil.rmtree(folder_of_parts, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Make a folder, and hold it against other runs.

    Raises:
        BulkError: Another run holds it, or it cannot be made.
    """
    try:
        folder.mkdir(exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise BulkError(f"{folder} cannot be written: {error.strerror}") from error
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BulkError(f"another run is writing {folder}") from None
    finally:
        os.close(descriptor)


def _check_same(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Check that the parts of a former run are those of this one; a run that made none is too.

    Raises:
        BulkError: The former run had other files, another model or other options.
    """
    try:
        former = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except ValueError as error:
        raise BulkError(f"{folder / _MANIFEST} is broken: {error}; leave out --resume") from error
    if differing := [name for name, value in manifest.items() if former.get(name) != value]:
        raise BulkError(
            f"{folder} is of another run, which differs in {', '.join(differing)}: leave out "
            "--resume to start anew"
        )

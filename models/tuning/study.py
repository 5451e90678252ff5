"""A study on disk: its trials, so that a search can be continued.

```
study/
    study.json                what table, columns, seed and settings it searches
    trials/0007.json          a trial that is over: settings, learning curve, ending
    trials/0007.safetensors   weights of its network, where it is among the best of its kind
    tuning.png                what mattered
```

A file is written beside its place and renamed, so a run that is killed loses the trial under way
and nothing else. Searches in one folder exclude each other by a lock, which ends with its process.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from madeira.models.errors import TrainingError
from madeira.models.tuning.record import TrialRecord

__all__ = ["StudyFolder"]

ABOUT, LOCK, TRIALS, WEIGHTS, RECORD = "study.json", ".lock", "trials", ".safetensors", ".json"


class StudyFolder:
    """The folder of a study; locked while it is entered.

    Args:
        path: Where it is or will be.
        about: What is searched: digests by name. A study of anything else is not continued.
    """

    def __init__(self, path: Path, about: Mapping[str, str]) -> None:
        self.path = path
        self.records: list[TrialRecord] = []
        self._about = dict(about)
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Lock the folder and read its trials.

        Raises:
            TrainingError: Another search runs there, it is of something else, a record is
                broken, or the folder cannot be written.
        """
        try:
            (self.path / TRIALS).mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / LOCK).open("w")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TrainingError(f"another search is running in {self.path}") from None
            self._require_same()
            self.records = [self._read(path) for path in self._files(RECORD)]
        except BaseException as error:
            self._unlock()
            if isinstance(error, OSError):
                problem = error.strerror or str(error)
                raise TrainingError(f"{self.path} cannot hold a study: {problem}") from error
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unlock()

    @property
    def next_number(self) -> int:
        """Number of the next trial."""
        return max((record.number for record in self.records), default=0) + 1

    def add(self, record: TrialRecord, weights: Mapping[str, Tensor] | None, most: int) -> None:
        """Keep a trial, and the weights of the best trials of its kind.

        Args:
            record: The trial.
            weights: Of its network, where it left one.
            most: How many networks of a kind to keep.

        Raises:
            TrainingError: The disk is full, or the folder gone.
        """
        try:
            if weights is not None:
                tensors = {name: tensor.cpu().contiguous() for name, tensor in weights.items()}
                self.write(self._place(record, WEIGHTS), save_tensors(tensors))
            self.write(self._place(record, RECORD), record.to_json())
            self.records.append(record)
            for left in self.best(record.kind)[most:]:
                self._place(left, WEIGHTS).unlink(missing_ok=True)
        except OSError as error:
            problem = error.strerror or str(error)
            raise TrainingError(f"{self.path} cannot be written: {problem}") from error

    def best(self, kind: str) -> list[TrialRecord]:
        """Return the trials of a kind that left a network, the best first."""
        usable = [record for record in self.records if record.kind == kind and record.usable]
        return sorted(usable, key=lambda record: (-record.best_nats, record.number))

    def weights(self, record: TrialRecord) -> dict[str, Tensor]:
        """Return the weights of a trial.

        Raises:
            TrainingError: They are not there, or broken.
        """
        path = self._place(record, WEIGHTS)
        try:
            return load_tensors(path.read_bytes())
        except (OSError, SafetensorError) as error:
            raise TrainingError(f"{path} cannot be read ({error}); remove {self.path}") from error

    def write(self, path: Path, content: bytes) -> None:
        """Write a file of the folder, whole or not at all; raises `OSError`.

        Args:
            path: Its place.
            content: All of it.
        """
        beside = path.with_name(f".{path.name}")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)

    def _place(self, record: TrialRecord, ending: str) -> Path:
        return self.path / TRIALS / f"{record.number:04d}{ending}"

    def _files(self, ending: str) -> list[Path]:
        paths = (self.path / TRIALS).glob(f"[0-9]*{ending}")
        return sorted(paths, key=lambda path: int(path.stem))

    def _read(self, path: Path) -> TrialRecord:
        try:
            return TrialRecord.from_json(path.read_bytes())
        except TrainingError as error:
            raise TrainingError(f"{path}: {error}; remove it, or choose another folder") from error

    def _require_same(self) -> None:
        place = self.path / ABOUT
        if not place.exists():
            self.write(place, (json.dumps(self._about, indent=1) + "\n").encode())
            return
        try:
            found = json.loads(place.read_bytes())
            differing = [name for name in self._about if found.get(name) != self._about[name]]
        except (ValueError, AttributeError):
            differing = [ABOUT]
        if differing:
            raise TrainingError(
                f"the study in {self.path} is of another {' and '.join(differing)}: "
                "go on with what it was begun with, choose another folder, or remove it"
            )

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

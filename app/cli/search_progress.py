"""Progress of a search: one line a trial, and a bar for the time on a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from madeira.models.tuning import TrialProgress, TrialRecord

__all__ = ["SearchProgress", "search_display"]

_HOW = {
    "finished": "finished after",
    "pruned": "pruned at",
    "stopped": "stopped by the clock after",
    "interrupted": "interrupted after",
    "failed": "failed after",
}


class SearchProgress:
    """Display of epochs and trials.

    Args:
        console: Console of the display.
        budget_s: Duration of the search, in seconds.
        bar: Bar for the time, on a terminal.
    """

    def __init__(self, console: Console, budget_s: float, bar: Progress | None) -> None:
        self._console, self._bar = console, bar
        self._began = time.monotonic()
        self._budget_s = budget_s
        self._best: dict[str, TrialRecord] = {}
        self._task: TaskID | None = None
        if bar is not None:
            self._task = bar.add_task("", total=budget_s, now="")

    def known(self, record: TrialRecord) -> None:
        """Add a trial of an earlier run."""
        best = self._best.get(record.kind)
        if record.usable and (best is None or record.best_nats > best.best_nats):
            self._best[record.kind] = record

    def epoch(self, progress: TrialProgress) -> None:
        """Show the progress of the running trial."""
        if self._bar is None or self._task is None:
            return
        self._bar.update(
            self._task,
            completed=min(self._spent, self._budget_s),
            now=f"trial {progress.number}, {progress.kind}, epoch {progress.epoch}: "
            f"{progress.valid_nats:.3f} nats",
        )

    def trial(self, record: TrialRecord) -> None:
        """Print the result of a trial."""
        self.known(record)
        epochs = len(record.valid)
        how = f"{_HOW[record.ending]} {epochs} epoch{'' if epochs == 1 else 's'}"
        if record.ending == "pruned":
            how = f"{_HOW['pruned']} epoch {epochs}"
        line = f"trial {record.number} {record.kind}: {how}"
        if record.best_epoch:
            line += f", validation {record.best_nats:.3f}"
        if record.reason:
            line += f" ({record.reason})"
        best = self._best.get(record.kind)
        if best is not None:
            line += f"; best {best.best_nats:.3f} nats of trial {best.number}"
        line += f"; {self._spent:.0f} of {self._budget_s:.0f} s"
        self._console.print(line, highlight=False, soft_wrap=True)

    @property
    def _spent(self) -> float:
        return time.monotonic() - self._began


@contextmanager
def search_display(console: Console, budget_s: float) -> Iterator[SearchProgress]:
    """Yield a display of a search.

    Args:
        console: Console of the display; if it is not a terminal, lines only.
        budget_s: Duration of the search, in seconds.
    """
    if not console.is_terminal:
        yield SearchProgress(console, budget_s, None)
        return
    columns = (BarColumn(bar_width=24), TextColumn("{task.fields[now]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, refresh_per_second=8, transient=True) as bar:
        yield SearchProgress(console, budget_s, bar)

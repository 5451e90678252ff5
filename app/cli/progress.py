"""Progress of a training: a bar on a terminal, plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars

from madeira.models.training.fit import Phase
from madeira.models.training.loop import Progress

__all__ = ["ProgressDisplay", "progress_display"]

_PHASES: dict[str, str] = {
    "weighing": "fitting the weights of the mixture",
    "calibrating": "calibrating anomaly scores",
    "measuring": "measuring likelihoods",
}


class ProgressDisplay(Protocol):
    """Display of the progress of a training."""

    def epoch(self, progress: Progress) -> None:
        """Show the progress at the end of an epoch."""

    def phase(self, phase: Phase) -> None:
        """Show the beginning of a phase after the training."""


_LINES_PER_MEMBER = 20


@contextmanager
def progress_display(console: Console) -> Iterator[ProgressDisplay]:
    """Yield a display of the progress.

    Args:
        console: Console of the display; if it is not a terminal, one plain line every few epochs.
    """
    if not console.is_terminal:
        yield _Lines(console)
        return
    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("[dim]validation[/] {task.fields[now]} [dim]best[/] [bold]{task.fields[best]}"),
        TimeElapsedColumn(),
        console=console,
        refresh_per_second=8,
    )
    with bars:
        display = _Bars(bars)
        yield display
        display.close()


class _Bars:
    """One bar a member; the bar of a member that stops early is filled."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._member: int | None = None
        self._task = TaskID(0)
        self._phase: Phase | None = None

    def epoch(self, progress: Progress) -> None:
        if progress.member != self._member:
            self.close()
            self._member = progress.member
            self._task = self._bars.add_task(
                f"{progress.name} ({progress.member + 1} of {progress.members})",
                total=progress.epochs,
                now="",
                best="",
            )
        self._bars.update(
            self._task,
            completed=progress.epoch,
            now=f"{progress.valid_nats:.3f}",
            best=f"{progress.best_nats:.3f} nats",
        )

    def phase(self, phase: Phase) -> None:
        if phase != self._phase:
            self.close()
            self._phase = phase
            self._bars.console.print(_PHASES[phase])

    def close(self) -> None:
        """End the bar of the current member."""
        if self._member is not None:
            self._bars.update(self._task, total=self._bars.tasks[self._task].completed)
            self._bars.stop_task(self._task)


class _Lines:
    """About twenty lines a member."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase: Phase | None = None

    def phase(self, phase: Phase) -> None:
        if phase != self._phase:
            self._phase = phase
            self._console.print(_PHASES[phase], highlight=False, soft_wrap=True)

    def epoch(self, progress: Progress) -> None:
        every = max(1, progress.epochs // _LINES_PER_MEMBER)
        if progress.epoch % every and progress.epoch not in (1, progress.epochs):
            return
        self._console.print(
            f"{progress.name} ({progress.member + 1} of {progress.members})"
            f" epoch {progress.epoch} of at most {progress.epochs}:"
            f" train {progress.train_nats:.3f}, validation {progress.valid_nats:.3f},"
            f" best {progress.best_nats:.3f} nats, {progress.seconds:.0f} s",
            highlight=False,
            soft_wrap=True,
        )

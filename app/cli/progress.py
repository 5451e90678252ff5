"""What a training run shows while it runs: a bar on a terminal, plain lines elsewhere."""

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

__all__ = ["Shown", "shown_progress"]

_PHASES: dict[str, str] = {
    "weighing": "weighing the members of the mixture",
    "calibrating": "drawing the rows that anomaly scores are held against",
    "measuring": "measuring likelihoods",
}


class Shown(Protocol):
    """What shows how far a training is."""

    def epoch(self, progress: Progress) -> None:
        """Shows where the training stands at the end of an epoch."""

    def phase(self, phase: Phase) -> None:
        """Shows which part of what follows the training has begun."""


_LINES_PER_MEMBER = 20


@contextmanager
def shown_progress(console: Console) -> Iterator[Shown]:
    """Shows what the yielded object is told.

    Args:
        console: Where to; a console that is no terminal gets one plain line per few epochs.
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
    """One bar a member. A member that stops early has its bar filled: it is done."""

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
        """Ends the bar of the current member where it stands."""
        if self._member is not None:
            self._bars.update(self._task, total=self._bars.tasks[self._task].completed)
            self._bars.stop_task(self._task)


class _Lines:
    """About twenty lines a member, whatever its number of epochs."""

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

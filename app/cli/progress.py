"""What a training run shows while it runs: a bar on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars

from models.training.loop import Progress

__all__ = ["shown_progress"]

_LINES_PER_MEMBER = 20


@contextmanager
def shown_progress(console: Console) -> Iterator[Callable[[Progress], None]]:
    """Shows each epoch that the yielded function is called with.

    Args:
        console: Where to; a console that is no terminal gets one plain line per few epochs.
    """
    if not console.is_terminal:
        yield _Lines(console).show
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
        yield display.show
        display.close()


class _Bars:
    """One bar a member. A member that stops early has its bar filled: it is done."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._member: int | None = None
        self._task = TaskID(0)

    def show(self, progress: Progress) -> None:
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

    def close(self) -> None:
        """Ends the bar of the current member where it stands."""
        if self._member is not None:
            self._bars.update(self._task, total=self._bars.tasks[self._task].completed)
            self._bars.stop_task(self._task)


class _Lines:
    """About twenty lines a member, whatever its number of epochs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, progress: Progress) -> None:
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

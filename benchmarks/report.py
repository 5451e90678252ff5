"""What all benchmarks share: arguments, measuring in turns, the table, and the file of results."""

import argparse
import contextlib
import ctypes
import gc
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch

__all__ = ["Case", "Report", "in_turns", "parse_arguments", "peak_memory_mib"]

RESULTS = Path(__file__).parent / "results"
MIB = 2**20
MIN_TURN_S = 0.02
SETTLE_S = 0.1


@dataclass(frozen=True)
class Case:
    """One line of a report.

    Attributes:
        case: What was measured.
        value: The measurement.
        unit: Its unit.
        against: What it is compared with, if anything.
        against_value: The measurement of that, in the same unit.
        ratio: How many times better the value is.
        target: The ratio that is aimed at; where nothing is compared, the value.
        met: Whether it is reached.
        detail: Further numbers, by name.
    """

    case: str
    value: float
    unit: str
    against: str | None = None
    against_value: float | None = None
    ratio: float | None = None
    target: float | None = None
    met: bool | None = None
    detail: dict[str, float | str] = field(default_factory=dict)


class Report:
    """Collects cases, prints each as it comes, and writes them all.

    Args:
        name: Name of the benchmark, and of its file of results.
        quick: Whether a smaller subset is measured.
    """

    def __init__(self, name: str, quick: bool) -> None:
        self.name, self.quick = name, quick
        self.cases: list[Case] = []
        self._started = datetime.now(UTC)

    def compare(
        self,
        case: str,
        value: float,
        unit: str,
        against: str,
        against_value: float,
        target: float | None = None,
        **detail: float | str,
    ) -> None:
        """Add a comparison of two times or sizes: the ratio says how many times less."""
        ratio = against_value / value
        met = None if target is None else ratio >= target
        self._add(Case(case, value, unit, against, against_value, ratio, target, met, detail))

    def limit(self, case: str, value: float, unit: str, most: float, **detail: float | str) -> None:
        """Add a measurement that is aimed to be at most `most`."""
        self._add(Case(case, value, unit, target=most, met=value <= most, detail=detail))

    def exceed(
        self,
        case: str,
        value: float,
        unit: str,
        against: str,
        against_value: float,
        target: float = 1.0,
        **detail: float | str,
    ) -> None:
        """Add a comparison where more is better; it is met where the ratio is above `target`."""
        ratio = value / against_value
        met = ratio > target
        self._add(Case(case, value, unit, against, against_value, ratio, target, met, detail))

    def record(self, case: str, value: float, unit: str, **detail: float | str) -> None:
        """Add a measurement that is compared with nothing."""
        self._add(Case(case, value, unit, detail=detail))

    def write(self) -> None:
        """Write `benchmarks/results/NAME.json`; a quick run says there that it was one."""
        missed = [case.case for case in self.cases if case.met is False]
        print(f"\n{len(missed)} targets missed" + "".join(f"\n  {case}" for case in missed))
        RESULTS.mkdir(exist_ok=True)
        content = {
            "hardware": hardware(),
            "date": self._started.isoformat(timespec="seconds"),
            "versions": versions(),
            "quick": self.quick,
            "cases": [asdict(case) for case in self.cases],
        }
        path = RESULTS / f"{self.name}.json"
        path.write_text(json.dumps(content, indent=1, default=float) + "\n")
        print(f"written: {path.relative_to(RESULTS.parent.parent)}")

    def _add(self, case: Case) -> None:
        self.cases.append(case)
        line = f"{case.case:<66} {case.value:>10.4g} {case.unit:<8}"
        if case.ratio is not None:
            verdict = "" if case.met is None else ("met" if case.met else "MISSED")
            aim = "" if case.target is None else f"(target {case.target:g}x) {verdict}"
            line += f" {case.ratio:>8.2f}x {case.against} {case.against_value:.4g} {aim}"
        elif case.met is not None:
            line += f" (target {case.target:g}) {'met' if case.met else 'MISSED'}"
        print(line, flush=True)
        for name, value in case.detail.items():
            shown = value if isinstance(value, str) else f"{value:.4g}"
            print(f"    {name}: {shown}", flush=True)


def parse_arguments(description: str | None) -> argparse.Namespace:
    """Return the arguments that every benchmark takes: `quick` and `device`; set the threads.

    On a machine that does other work too, one thread gives the fairer comparison: threads that
    wait for one that was taken off its core make a parallel product many times slower.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a smaller subset, within a minute")
    parser.add_argument("--device", default="cpu", help="such as cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    return arguments


def hardware() -> dict[str, Any]:
    """Return what the numbers were measured on, and how busy it was."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text().splitlines()
        model = next((x.split(":")[1].strip() for x in lines if "model name" in x), model)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        "load_average": round(os.getloadavg()[0], 1),
    }


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "numba": numba.__version__,
    }


def in_turns(
    works: Mapping[str, Callable[[], object]], seconds: float, most: int = 200
) -> dict[str, float]:
    """Run each in turn, again and again, and return the median time of each in seconds.

    Whatever else the machine does, it does to all of them alike. A turn of short work is many
    runs of it, after a rest and a run that is not counted: what the work before it left in the
    caches or running in other threads is not to count.

    Args:
        works: What to run, by name. Each runs twice beforehand, uncounted.
        seconds: Time to spend; every one of them runs at least three times.
        most: Turns at most.
    """
    runs = {}
    for name, work in works.items():
        work()
        start = time.perf_counter()
        work()
        runs[name] = max(1, round(MIN_TURN_S / (time.perf_counter() - start)))
    times: dict[str, list[float]] = {name: [] for name in works}
    began = time.perf_counter()
    turns = 0
    while turns < 3 or (time.perf_counter() - began < seconds and turns < most):
        for name, work in works.items():
            time.sleep(SETTLE_S)
            if runs[name] > 1:
                work()
            start = time.perf_counter()
            for _ in range(runs[name]):
                work()
            times[name].append((time.perf_counter() - start) / runs[name])
        turns += 1
    return {name: float(np.median(taken)) for name, taken in times.items()}


def peak_memory_mib(work: Callable[[], object]) -> float:
    """Memory that a piece of work takes at its peak beyond what was there before, in MiB.

    Read from Linux's own record of the process; NaN elsewhere.
    """
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not clear.exists():
        return float("nan")
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what earlier work left is not to be reused
    clear.write_text("5")  # starts the record anew
    before = _status_kib(status, "VmRSS")
    work()
    return (_status_kib(status, "VmHWM") - before) * 1024 / MIB


def _status_kib(status: Path, name: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])

"""How far what was filled is from what was removed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student
from scipy.stats import wasserstein_distance

from benchmarks.imputation.tables import Complete
from madeira.models.arrays import Bool, Float64

__all__ = ["NOMINAL", "Filled", "interval_of_draws", "measure"]


NOMINAL = 0.9


@dataclass(frozen=True)
class Filled:
    """What a method made of a table, each part by what of it serves.

    Attributes:
        point: Its best guess of each cell: judged by squared error and accuracy.
        draw: A table as it would be handed on: judged by its distributions.
        draws: Several draws, for methods that draw; judged by CRPS.
        lower: Lower ends of 90 % intervals of the numbers, for methods that give some.
        upper: Upper ends.
    """

    point: pd.DataFrame
    draw: pd.DataFrame
    draws: list[pd.DataFrame] | None = None
    lower: pd.DataFrame | None = None
    upper: pd.DataFrame | None = None


def interval_of_draws(draws: list[pd.DataFrame], numbers: list[str]) -> tuple[pd.DataFrame, ...]:
    """Return the 90 % prediction interval of a few normal draws: mean -+ t s sqrt(1 + 1/m)."""
    stacked = np.stack([draw[numbers].to_numpy(dtype=float) for draw in draws])
    many = len(draws)
    reach = student.ppf((1 + NOMINAL) / 2, many - 1) * np.sqrt(1 + 1 / many)
    half = reach * stacked.std(axis=0, ddof=1)
    middle = stacked.mean(axis=0)
    return tuple(pd.DataFrame(end, columns=numbers) for end in (middle - half, middle + half))


def measure(table: Complete, removed: Bool, filled: Filled) -> dict[str, float]:
    """All measures of one filled table; numbers on the scale of their range, columns alike.

    Returns:
        `rmse`, `accuracy`, `wasserstein` (of numbers; half the sum of absolute differences of
        the shares for categories, which is the same for values at distance 1), and for methods
        that draw `crps`, `coverage`, `width`. A measure without a column is left out.
    """
    places = {name: place for place, name in enumerate(table.frame)}
    by_column: dict[str, list[float]] = {}
    inside, widths, gaps = 0, 0.0, 0

    def note(name: str, value: float) -> None:
        by_column.setdefault(name, []).append(float(value))

    for name in table.numbers:
        gone = removed[:, places[name]]
        if not gone.any():
            continue
        whole = table.frame[name].to_numpy()
        scale = whole.max() - whole.min()
        true = whole[gone] / scale
        point = filled.point[name].to_numpy(dtype=float)[gone] / scale
        note("rmse", np.sqrt(np.mean((point - true) ** 2)))
        note(
            "wasserstein",
            wasserstein_distance(filled.draw[name].to_numpy(float)[gone] / scale, true),
        )
        if filled.draws is not None:
            drawn = np.stack([draw[name].to_numpy(dtype=float)[gone] for draw in filled.draws])
            note("crps", _crps(drawn / scale, true))
        if filled.lower is not None and filled.upper is not None:
            low = filled.lower[name].to_numpy(dtype=float)[gone] / scale
            high = filled.upper[name].to_numpy(dtype=float)[gone] / scale
            slack = 1e-9
            inside += int(((true >= low - slack) & (true <= high + slack)).sum())
            widths += float((high - low).sum())
            gaps += len(true)
    for name in table.categories:
        gone = removed[:, places[name]]
        if not gone.any():
            continue
        true = table.frame[name][gone]
        note("accuracy", (filled.point[name][gone] == true).mean())
        shares = filled.draw[name][gone].value_counts(normalize=True)
        difference = shares.sub(true.value_counts(normalize=True), fill_value=0.0)
        note("wasserstein", difference.abs().sum() / 2)
    result = {name: float(np.mean(values)) for name, values in by_column.items()}
    if gaps:
        result |= {"coverage": inside / gaps, "width": widths / gaps, "gaps": float(gaps)}
    return result


def _crps(drawn: Float64, true: Float64) -> float:
    """Mean continuous ranked probability score of draws, without bias for few of them.

    E|X - y| - E|X - X'| / 2 (Gneiting, Raftery, JASA 2007, equation 21), X' another draw.
    """
    many = len(drawn)
    ordered = np.sort(drawn, axis=0)
    ranks = 2 * np.arange(1, many + 1) - many - 1
    spread = (ranks[:, None] * ordered).sum(axis=0) / (many * (many - 1))
    return float((np.abs(drawn - true).mean(axis=0) - spread).mean())

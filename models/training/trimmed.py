"""Fits for anomaly detection: smoothed densities of trimmed training rows.

A density fitted to every detail of its training rows is a poor judge of anomalies. Repeated values
have all of its mass, a tight cluster of anomalies among the training rows is as likely as usual
rows, and a constant or a grid outweighs every other column. Two settings of a fit mend this; the
answers stay exact, those of another density:

**Smoothing** h fits the density of rows to which noise was added: a column of numbers gets normal
noise of h of its standard deviations, so that the density is the table's convolved with a kernel
(Parzen, Annals of Mathematical Statistics 1962; as a regulariser of a conditional density: Rothfuss
et al., arXiv 1907.08982). Any other value is replaced by that of another row with probability
1 - 1 / sqrt(1 + h^2), which leaves it as dependent on the rest as the noise leaves a number.
`auto` is h = n^(-1/D), for n rows of D variables: how far apart rows are, up to a constant.

**Contamination** is the share of the training rows that may be anomalies. A density of coarse
smoothing is fitted first, that share of the rows which it finds least likely is set aside, and
the density is fitted to the others: trimmed likelihood (Neykov and Mueller 2003; the minimum
covariance determinant of Rousseeuw 1984 is its case for one normal), with one concentration step.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from madeira.models.arrays import Float64
from madeira.models.columns.base import Column
from madeira.models.columns.derived import NullIndicator
from madeira.models.columns.layout import Layout
from madeira.models.columns.numeric import Numeric
from madeira.models.columns.support import EVERYWHERE
from madeira.models.columns.transform import Transform
from madeira.models.training.config import FitConfig
from madeira.models.training.data import split_rows
from madeira.models.training.fit import Fitted, Phase, fit
from madeira.models.training.loop import Progress

__all__ = ["TrimmedFit", "fit_trimmed", "likeliest", "smooth_columns", "smoothed", "spacing"]


COARSE_SMOOTHING = 2.0
COARSE_STEPS = 100
COPIED_ROWS = 30_000


@dataclass(frozen=True)
class TrimmedFit:
    """Result of a fit with smoothing and trimming.

    Attributes:
        fitted: The density and the figures of its training; rows are counted without copies.
        columns: Its columns: those of the table, straightened where they were smoothed.
        metrics: The settings, and how many training rows were found too unlikely to be learned
            from; JSON values.
    """

    fitted: Fitted
    columns: tuple[Column, ...]
    metrics: dict[str, float]


def fit_trimmed(
    values: Float64,
    columns: Sequence[Column],
    config: FitConfig,
    *,
    valid: Float64 | None = None,
    derived: tuple[NullIndicator, ...] = (),
    seed: int = 0,
    device: str | torch.device = "cpu",
    on_epoch: Callable[[Progress], None] = lambda _: None,
    on_phase: Callable[[Phase], None] = lambda _: None,
) -> TrimmedFit:
    """Fit as `config.smoothing` and `config.contamination` ask; with neither, as `fit` does.

    Arguments and errors are those of `fit`, with columns in place of a layout.
    Smoothing leaves nulls where they are. Validation rows are smoothed as training rows are; those
    of a table of their own are not trimmed.
    """
    split_seed, noise_seed, coarse_seed = np.random.SeedSequence([seed, 1]).spawn(3)
    rows = len(values)
    if config.contamination:
        coarse_rng = np.random.default_rng(coarse_seed)
        values = likeliest(values, columns, config, coarse_rng, seed, device)
    smoothing = spacing(values) if config.smoothing == "auto" else config.smoothing
    metrics = {"smoothing": smoothing, "contamination": config.contamination}
    metrics["set_aside_rows"] = rows - len(values)
    if not smoothing:
        plain = fit(
            values,
            Layout(columns),
            config,
            valid=valid,
            derived=derived,
            seed=seed,
            device=device,
            on_epoch=on_epoch,
            on_phase=on_phase,
        )
        return TrimmedFit(plain, tuple(columns), metrics)
    if valid is None:
        values, valid = split_rows(
            values,
            config.valid_fraction,
            config.valid_limit_rows,
            np.random.default_rng(split_seed),
        )
    columns = smooth_columns(columns, values)
    noise = np.random.default_rng(noise_seed)
    fitted = fit(
        smoothed(values, columns, smoothing, noise),
        Layout(columns),
        config,
        valid=smoothed(valid, columns, smoothing, noise, len(valid) / len(values)),
        derived=derived,
        seed=seed,
        device=device,
        on_epoch=on_epoch,
        on_phase=on_phase,
    )
    fitted = replace(fitted, train_rows=len(values), valid_rows=len(valid))
    return TrimmedFit(fitted, columns, metrics)


def likeliest(
    values: Float64,
    columns: Sequence[Column],
    config: FitConfig,
    generator: np.random.Generator,
    seed: int,
    device: str | torch.device = "cpu",
) -> Float64:
    """Keep the rows that a coarsely smoothed density finds likeliest, all but `contamination`.

    The density is the first any-order member's, fitted for a few minibatches: what is smoothed
    by two standard deviations is little more than where the bulk of each column lies.

    Args:
        values: Encoded table, NaN where missing, shape `(rows, variables)`.
        columns: Its columns.
        config: Settings of the fit.
        generator: Source of the noise.
        seed: Seed of the coarse fit.
        device: Where to train.

    Returns:
        Shape `(kept, variables)`, in their order; at least two rows, where there are two.

    Raises:
        KeyboardInterrupt: The coarse fit was interrupted.
    """
    coarse = smooth_columns(columns, values)
    member = next((m for m in config.members if m.masks.any_order), config.members[0])
    training = replace(member.training, max_steps=COARSE_STEPS, dropout=0.0)
    short = replace(config, members=(replace(member, training=training),))
    copies = smoothed(values, coarse, COARSE_SMOOTHING, generator)
    fitted = fit(copies, Layout(coarse), short, seed=seed, device=device)
    if fitted.interrupted:  # there is nothing to keep yet
        raise KeyboardInterrupt
    density = fitted.density
    fewest = min(2, len(values))
    kept = max(fewest, round(len(values) * (1 - config.contamination)))
    nats = density.score(values) / np.maximum((~np.isnan(values)).sum(axis=1), 1)
    return np.asarray(values[np.sort(np.argsort(-nats, kind="stable")[:kept])])


def spacing(values: Float64) -> float:
    """How far apart rows are, in standard deviations and up to a constant: n^(-1/D).

    It falls with the rows n as the distance to the nearest row does, and in many dimensions D,
    where every row is far from all others, it hardly falls at all.

    Args:
        values: Shape `(n, D)`.
    """
    rows, variables = values.shape
    return float(max(rows, 1) ** (-1 / max(variables, 1)))


def smooth_columns(columns: Sequence[Column], values: Float64) -> tuple[Column, ...]:
    """Columns fit for smoothed rows: numbers have no atoms, and T only standardises them.

    Noise leaves no atom where it was, and goes beyond every end. A transform that gives a spike
    more room than the rest would make the noise uneven.

    Args:
        columns: The columns.
        values: Encoded rows to standardise by, shape `(rows, variables)`.
    """
    straight: list[Column] = []
    for d, column in enumerate(columns):
        if isinstance(column, Numeric):
            numbers = values[~np.isin(values[:, d], column.special_codes), d]
            shift, scale = _moments(numbers)
            column = dataclasses.replace(
                column,
                atoms=(),
                one_hot=column.null_outcome,
                transform=Transform(0.0, 1.0, 0.0, 0.0, shift, scale),
                support=EVERYWHERE,
            )
        straight.append(column)
    return tuple(straight)


def smoothed(
    values: Float64,
    columns: Sequence[Column],
    smoothing: float,
    generator: np.random.Generator,
    share: float = 1.0,
) -> Float64:
    """Copy rows with noise added, thousands in all, so that the kernel has its shape.

    Args:
        values: Encoded rows, NaN where missing, shape `(rows, variables)`.
        columns: What `smooth_columns` gave: the unit of the noise is the scale of their T.
        smoothing: Deviation of the noise.
        generator: Source of the noise.
        share: How many copies, as a share of those of a training table.

    Returns:
        Shape `(copies, variables)`; whole codes for columns on a grid, NaN where missing.
    """
    rows = len(values)
    copies = max(rows, round(COPIED_ROWS * min(share, 1.0)))
    picked = np.concatenate(
        [generator.permutation(rows) for _ in range(-(-copies // max(rows, 1)))]
    )[:copies]
    result = values[picked]
    replaced = 1 - 1 / np.sqrt(1 + smoothing**2)
    for d, column in enumerate(columns):
        if isinstance(column, Numeric):
            noise = generator.standard_normal(copies) * smoothing * column.transform.scale
            noisy = result[:, d] + noise
            if column.cell:
                noisy = np.round(noisy)
            special = np.isin(result[:, d], column.special_codes)
            result[:, d] = np.where(special, result[:, d], noisy)
            continue
        known = values[~np.isnan(values[:, d]), d]
        if known.size:
            other = generator.random(copies) < replaced
            other &= ~np.isnan(result[:, d])
            result[other, d] = generator.choice(known, int(other.sum()))
    return np.asarray(result)


def _moments(codes: Float64) -> tuple[float, float]:
    """Mean and standard deviation of codes, `(rows,)` with NaN; 1 where the deviation vanishes."""
    known = codes[~np.isnan(codes)]
    if not known.size:
        return 0.0, 1.0
    scale = float(known.std())
    smallest = 1e-12 * float(np.abs(known).max())
    return float(known.mean()), scale if scale > smallest else 1.0

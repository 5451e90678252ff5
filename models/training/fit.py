"""From an encoded table to a density: every member trained, the mixture weighted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from madeira.models.arrays import Float64
from madeira.models.columns.derived import NullIndicator, with_derived
from madeira.models.columns.layout import Layout
from madeira.models.errors import TrainingError
from madeira.models.inference.density import Density
from madeira.models.inference.member import Member
from madeira.models.inference.null_pattern import joint_of, with_pattern
from madeira.models.made.masks import MaskSource
from madeira.models.made.network import MADE
from madeira.models.made.restricted import restricted
from madeira.models.training.config import FitConfig, MemberConfig
from madeira.models.training.data import Rows, complete_rows, split_rows
from madeira.models.training.dependence import mask_statistics
from madeira.models.training.ensemble import fit_mixture_weights
from madeira.models.training.loop import Curve, Progress, negative_log_likelihood, train_member
from madeira.models.training.structural_zeros import structural_zeros

__all__ = [
    "Fitted",
    "Phase",
    "Trained",
    "fit",
    "mixture_of",
    "train_network",
    "untrained",
    "worth_training",
]


MIN_COMPLETE_SHARE = 0.5
SPREAD_ROWS = 2_000

Phase = Literal["weighing", "calibrating", "measuring"]
"""Phases after the training: mixture weights, anomaly scores, likelihoods."""


@dataclass(frozen=True)
class Trained:
    """Result of training one member.

    Attributes:
        name: How curves and metrics call it.
        any_order: Whether it can be asked for any ordering.
        parameters: Number of its weights.
        curve: Its learning curve.
        weight: Its share of the mixture; 0 where the mixture gained nothing from it, and left
            it out.
        complete_nats: Mean log-likelihood of the complete validation rows under it alone, nats
            a row; NaN where none is complete.
    """

    name: str
    any_order: bool
    parameters: int
    curve: Curve
    weight: float
    complete_nats: float


@dataclass(frozen=True)
class Fitted:
    """Result of a fit.

    Attributes:
        density: The trained mixture.
        members: The members that were trained, in that order.
        valid_nats: Mean log-likelihood of the validation rows under the mixture, nats a row;
            without an any-order member, of the complete ones among them.
        independent_nats: The same of columns that were independent, each with its marginal.
        complete_independent_nats: Of the complete validation rows alone, to compare with the
            `complete_nats` of the members; NaN where there are none.
        ordering_spread: Standard deviation of the log-likelihood of a validation row over the
            orderings of the any-order members, nats: mean and 99th percentile over rows.
        train_rows: Rows learned from.
        valid_rows: Rows held out.
        interrupted: Whether an interrupt ended it early.
    """

    density: Density
    members: tuple[Trained, ...]
    valid_nats: float
    independent_nats: float
    complete_independent_nats: float
    ordering_spread: tuple[float, float]
    train_rows: int
    valid_rows: int
    interrupted: bool


def fit(
    values: Float64,
    layout: Layout,
    config: FitConfig,
    *,
    valid: Float64 | None = None,
    derived: tuple[NullIndicator, ...] = (),
    seed: int = 0,
    device: str | torch.device = "cpu",
    on_epoch: Callable[[Progress], None] = lambda _: None,
    on_phase: Callable[[Phase], None] = lambda _: None,
) -> Fitted:
    """Train every member and fit the weights of their mixture.

    Args:
        values: Encoded table, NaN where missing, shape `(rows, variables)`.
        layout: Its columns.
        config: Settings.
        valid: Encoded validation rows; by default a share of `values` is held out.
        derived: Variables that follow from the columns, for any-order members to learn too.
        seed: Seed of every random choice: on a CPU the same seed gives the same weights.
        device: Where to train; the density is left there.
        on_epoch: Called at the end of every epoch.
        on_phase: Called when the training has ended, and at the start of every part of what
            follows.

    Returns:
        The density and the figures of its training. A KeyboardInterrupt ends the training and
        keeps the best so far; the phases after the training are then started once more.

    Raises:
        TrainingError: Too few rows, nothing observed, or a likelihood that is not finite.
        KeyboardInterrupt: It came before there was anything to keep.
    """
    device = torch.device(device)
    split_seed, member_seed = np.random.SeedSequence(seed).spawn(2)
    if valid is None:
        values, valid = split_rows(
            values,
            config.valid_fraction,
            config.valid_limit_rows,
            np.random.default_rng(split_seed),
        )
    if np.isnan(values).all() or np.isnan(valid).all():
        raise TrainingError("every value of the table is missing: there is nothing to learn")
    layout = layout.to(device)
    members: list[Member] = []
    curves: list[Curve] = []
    chosen = worth_training(config.members, values)
    seeds = [int(state) for state in member_seed.generate_state(len(chosen))]

    def train(index: int, settings: MemberConfig) -> None:
        def report(
            epoch: int,
            train_nats: float,
            valid_nats: float,
            best_nats: float,
            seconds: float,
        ) -> None:
            on_epoch(
                Progress(
                    member=index,
                    members=len(chosen),
                    name=settings.name,
                    epoch=epoch,
                    epochs=settings.training.epochs(len(values)),
                    train_nats=train_nats,
                    valid_nats=valid_nats,
                    best_nats=best_nats,
                    seconds=seconds,
                )
            )

        member, curve = train_network(
            settings, layout, values, valid, seeds[index], report, derived
        )
        curves.append(curve)
        members.append(member)

    def finish() -> Fitted:
        trained = curves[: len(members)]
        return mixture_of(members, trained, layout, config, values, valid, on_phase)

    try:
        for index, settings in enumerate(chosen):
            train(index, settings)
            if curves[-1].interrupted:
                break
        on_phase("weighing")
    except KeyboardInterrupt:
        if not members:
            raise
        curves[len(members) - 1].interrupted = True
    try:
        return finish()
    except KeyboardInterrupt:  # only a second one gives up what was trained
        return finish()


def mixture_of(
    members: Sequence[Member],
    curves: Sequence[Curve],
    layout: Layout,
    config: FitConfig,
    values: Float64,
    valid: Float64,
    on_phase: Callable[[Phase], None] = lambda _: None,
) -> Fitted:
    """Make trained networks one density, and measure it.

    It answers for the columns. Networks that learned derived variables too are joined in a density
    of their own beside it.

    Args:
        members: The trained networks, of the columns; any-order ones of derived variables, too.
        curves: How each was learned.
        layout: The columns, on the device of the networks.
        config: Settings; its members count no more.
        values: Rows learned from, shape `(rows, variables)`.
        valid: Rows to weigh by, shape `(rows, variables)`.
        on_phase: Called at the start of every part.
    """
    on_phase("weighing")
    networks = {one.name: one.network for one in members if one.network.layout.derived}
    members = [
        replace(member, network=restricted(member.network, layout))
        if member.name in networks
        else member
        for member in members
    ]
    mixture = fit_mixture_weights(members, layout, valid, config.weighing)
    trained = tuple(
        Trained(
            name=member.name,
            any_order=member.any_order,
            parameters=sum(weights.numel() for weights in member.network.parameters()),
            curve=curve,
            weight=float(weight),
            complete_nats=float(nats),
        )
        for member, curve, weight, nats in zip(
            members, curves, mixture.weights, mixture.complete_nats, strict=True
        )
    )
    on_phase("calibrating")
    any_order = any(member.any_order for member in mixture.density.members)
    density = mixture.density.calibrated(valid if any_order else complete_rows(valid))
    if networks:
        joint = joint_of(density, networks)
        density = density.beside(joint.calibrated(with_pattern(joint, valid)))
    on_phase("measuring")
    marginals = torch.as_tensor(layout.initial_parameters(values), dtype=torch.float32)
    return Fitted(
        density=density,
        members=trained,
        valid_nats=_mean_score(density, valid, curves),
        independent_nats=_independent_nats(layout, marginals, valid),
        complete_independent_nats=_independent_nats(layout, marginals, complete_rows(valid)),
        ordering_spread=_ordering_spread(density, valid[:SPREAD_ROWS]),
        train_rows=len(values),
        valid_rows=len(valid),
        interrupted=any(curve.interrupted for curve in curves),
    )


def worth_training(members: tuple[MemberConfig, ...], values: Float64) -> tuple[MemberConfig, ...]:
    """Choose the members that enough rows will be answered by.

    Args:
        members: Settings of the members.
        values: Rows to learn from, NaN where missing, shape `(rows, variables)`.
    """
    any_order = tuple(member for member in members if member.masks.any_order)
    complete = float((~np.isnan(values).any(axis=1)).mean())
    return any_order if any_order and complete < MIN_COMPLETE_SHARE else members


def _mean_score(density: Density, valid: Float64, curves: Sequence[Curve]) -> float:
    if not any(member.any_order for member in density.members):
        valid = complete_rows(valid)
    if len(valid) == 0:
        return max(max(curve.valid) for curve in curves)
    return float(density.score(valid).mean())


def _ordering_spread(density: Density, rows: Float64) -> tuple[float, float]:
    """Mean and 99th percentile over rows, `(rows, variables)`, nats."""
    spread = density.ordering_spread(rows)
    return float(spread.mean()), float(np.quantile(spread, 0.99))


@torch.no_grad()
def _independent_nats(layout: Layout, marginals: Tensor, valid: Float64) -> float:
    """Mean log-likelihood of rows under marginals, `(outputs,)`; NaN of none."""
    if len(valid) == 0:
        return float("nan")
    rows, total = Rows(valid, layout), 0.0
    for part, _ in rows.batches(4096):
        parameters = marginals.to(layout.device).expand(len(part), -1)
        total -= float(negative_log_likelihood(parameters, part, layout).double().sum())
    return total / len(rows)


def train_network(
    config: MemberConfig,
    layout: Layout,
    values: Float64,
    valid: Float64,
    seed: int,
    report: Callable[[int, float, float, float, float], None],
    derived: tuple[NullIndicator, ...] = (),
) -> tuple[Member, Curve]:
    """Train one member.

    Args:
        config: Its settings.
        layout: The columns, on the device to train on.
        values: Rows to learn from, NaN where missing, shape `(rows, variables)`.
        valid: Rows to stop by, shape `(rows, variables)`.
        seed: Seed of weights, masks and minibatches.
        report: As of `train_member`.
        derived: Variables that follow from the columns; an any-order network learns them too.

    Returns:
        The network with the masks that it answers with, and its learning curve.

    Raises:
        TrainingError: No likelihood was finite.
    """
    device = layout.device
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(seed)
        network, masks = untrained(config, layout, values, seed, derived)
        layout = network.layout
        train_rows = Rows(with_derived(values, layout.derived), layout)
        valid_rows = Rows(with_derived(valid, layout.derived), layout)
        curve = train_member(config, network, masks, train_rows, valid_rows, seed, report)
    member = Member(config.name, network, masks.answering, config.masks.any_order)
    return member, curve


def untrained(
    config: MemberConfig,
    layout: Layout,
    values: Float64,
    seed: int,
    derived: tuple[NullIndicator, ...] = (),
) -> tuple[MADE, MaskSource]:
    """Make an untrained network and its masks; arguments are those of `train_network`."""
    columns, whole = layout.variables, values
    if derived and config.masks.any_order:
        layout = Layout([*layout.columns, *derived]).to(layout.device)
        whole = with_derived(values, derived)
    network = MADE(config.network, layout, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        start = layout.initial_parameters(whole)
        network.output_bias.copy_(torch.as_tensor(start, dtype=torch.float32))
        if config.masks.any_order and config.network.hidden and layout.inputs > layout.variables:
            # Steps of the optimizer would leave marginals that contradict each other. Tables of
            # bits, with one input unit each, lose by it: a 0 is then told by the bias alone.
            network.output_bias.requires_grad_(False)
        if config.training.structural_zeros and network.direct_weight is not None:
            network.direct_weight.copy_(torch.as_tensor(structural_zeros(layout, whole)))
    network.to(layout.device)
    statistics = mask_statistics(config.masks, values, layout)
    sources = [one.of for one in layout.derived]
    return network, MaskSource(config.network, config.masks, columns, seed, statistics, sources)

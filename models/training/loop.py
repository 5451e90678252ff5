"""The training of one member."""

import copy
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from madeira.models.columns.layout import Layout
from madeira.models.errors import TrainingError
from madeira.models.made.masks import DERIVED_SHARE, Mask, MaskSource
from madeira.models.made.network import MADE, MaskTensors
from madeira.models.training.banded import BandedMADE, blocks_of_one_mask
from madeira.models.training.config import LEARNING_RATES, MemberConfig, TrainingConfig
from madeira.models.training.data import Rows, UnknownReplacement
from madeira.models.training.low_rank import factorise_direct_weights, materialize_direct_weights

__all__ = [
    "Curve",
    "MemberTraining",
    "Progress",
    "WeightAverage",
    "negative_log_likelihood",
    "train_member",
]

VALIDATION_MASKS = 4


@dataclass(frozen=True)
class Progress:
    """Where training stands at the end of an epoch; likelihoods in nats a row, higher is better.

    Attributes:
        member: 0-based index of the member.
        members: Number of members.
        name: Name of the member.
        epoch: 1-based epoch.
        epochs: Most epochs there can be.
        train_nats: Mean log-likelihood of the minibatches of this epoch.
        valid_nats: Mean log-likelihood of the validation rows.
        best_nats: Best `valid_nats` so far.
        seconds: Time since the member's training began.
    """

    member: int
    members: int
    name: str
    epoch: int
    epochs: int
    train_nats: float
    valid_nats: float
    best_nats: float
    seconds: float


@dataclass
class Curve:
    """Learning curve of a member, in nats a row, one entry an epoch."""

    train: list[float] = field(default_factory=list)
    valid: list[float] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0
    interrupted: bool = False


class WeightAverage:
    """Exponential moving average of a network's weights, with a short memory at the start."""

    def __init__(self, network: MADE | BandedMADE, decay: float) -> None:
        shared = {id(network.layout): network.layout}
        self.network = copy.deepcopy(network, shared) if decay else network
        self._source, self._decay, self._steps = network, decay, 0
        self.network.eval()

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights after a step into the average."""
        if not self._decay:
            return
        self._steps += 1
        weight = 1 - min(self._decay, (1 + self._steps) / (10 + self._steps))
        averages: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(averages, list(self._source.parameters()), weight)


def negative_log_likelihood(
    parameters: Tensor, values: Tensor, layout: Layout, complete: bool = False
) -> Tensor:
    """Nats of each row, shape `(batch,)`, of the observed variables alone.

    Args:
        parameters: Output of the network, shape `(batch, outputs)`.
        values: Encoded values, NaN where missing, shape `(batch, variables)`.
        layout: Which output units belong to which variable.
        complete: Whether it is known that nothing is missing.
    """
    log_prob = layout.log_prob(parameters.float(), values)
    if complete:
        return -log_prob.sum(dim=1)
    return -torch.where(values.isnan(), 0.0, log_prob).sum(dim=1)


def _optimizer(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    groups: list[dict[str, Any]] = [
        {"params": [one for one in parameters if one.ndim > 1]},
        # A decayed bias of an output would draw every marginal towards one half.
        {"params": [one for one in parameters if one.ndim == 1], "weight_decay": 0.0},
    ]
    rate, decay = config.learning_rate or LEARNING_RATES[config.optimizer], config.weight_decay
    if config.optimizer == "adadelta":
        return torch.optim.Adadelta(groups, lr=rate, rho=0.95, eps=1e-5, weight_decay=decay)
    return torch.optim.AdamW(groups, lr=rate, weight_decay=decay, fused=True)


def _scheduler(
    optimizer: torch.optim.Optimizer, config: TrainingConfig, epochs: int
) -> Callable[[float], None]:
    if config.schedule == "plateau":
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode="max", factor=0.5, patience=max(1, config.patience_epochs // 3)
        )
        return plateau.step
    if config.schedule == "cosine":
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        return lambda _: cosine.step()
    return lambda _: None


class MemberTraining:
    """State of one member's training."""

    def __init__(
        self,
        config: MemberConfig,
        network: MADE | BandedMADE,
        masks: MaskSource,
        epochs: int,
        seed: int,
    ) -> None:
        self.config = config.training
        self.network, self.layout, self.device = network, network.layout, network.device
        self.masks = masks.training()
        self.columns = self.layout.variables - masks.derived
        answering, derived = masks.answering[:VALIDATION_MASKS], masks.derived
        self.column_masks = self._tensors(mask.with_derived_last(derived) for mask in answering)
        self.joint_masks = self._tensors(mask.with_derived_first(derived) for mask in answering)
        self.generator = torch.Generator().manual_seed(seed)
        self.unknown = UnknownReplacement.of(self.layout, self.device)
        self.optimizer = _optimizer(network, self.config)
        self.schedule = _scheduler(self.optimizer, self.config, epochs)
        self.average = WeightAverage(network, self.config.averaging)
        self.autocast = self.config.mixed_precision and self.device.type == "cuda"
        self.best_objective = -float("inf")
        self.best_state: dict[str, Tensor] | None = None

    def epoch(self, rows: Rows, batch_rows: int) -> float:
        """Take one pass over the training rows.

        Args:
            rows: The training rows.
            batch_rows: Rows of a minibatch.

        Returns:
            Their mean log-likelihood on the way, nats a row.
        """
        self.network.train()
        total = torch.zeros((), device=self.device)
        for values, observed in rows.batches(batch_rows, self.generator):
            total += self.step(values, observed, rows.complete)
        return -float(total) / len(rows)

    def step(self, values: Tensor, observed: Tensor, complete: bool = False) -> Tensor:
        """Take one step on a minibatch, each of its parts under the next mask.

        Args:
            values: Codes, `(batch, variables)`, NaN where missing.
            observed: bool, same shape.
            complete: Whether it is known that nothing is missing.

        Returns:
            Its summed negative log-likelihood, nats, of shape `()`.
        """
        if self.unknown is not None:
            values = self.unknown(values, observed, self.generator)
        parts = self.config.masks_per_batch
        pairs = zip(values.chunk(parts), observed.chunk(parts), strict=True)
        nats = torch.cat([self._nats(*pair, complete) for pair in pairs])
        for weights in self.network.parameters():
            weights.grad = None
        nats.mean().backward()  # type: ignore[no-untyped-call]
        if self.config.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_clip)
        self.optimizer.step()
        self.average.update()
        return nats.detach().sum()

    def _nats(self, values: Tensor, observed: Tensor, complete: bool) -> Tensor:
        """Negative log-likelihood of each row under the next mask, shape `(batch,)`."""
        drawn = next(self.masks)
        mask = MaskTensors(drawn, self.layout, self.device)
        if self.columns < self.layout.variables:
            complete = False
            if drawn.positions[self.columns :].min() > self.columns:
                values, observed = _columns_alone(values, observed, self.columns)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            parameters = self.network(
                self.layout.features(values, observed).float(),
                None if complete else observed.float(),
                mask,
                self.config.dropout,
                self.config.input_dropout,
            )
        return negative_log_likelihood(parameters, values, self.layout, complete)

    def _tensors(self, masks: Iterable[Mask]) -> list[MaskTensors]:
        return [MaskTensors(mask, self.layout, self.device) for mask in masks]

    def validate(self, rows: Rows) -> tuple[float, float]:
        """Evaluate the validation rows under the averaged weights.

        Returns:
            Mean log-likelihood of the columns, nats a row; and that by which to stop, which
            counts derived variables as training does.
        """
        columns = self._mean_nats(rows, self.column_masks, derived=False)
        if self.columns == self.layout.variables:
            return columns, columns
        joint = self._mean_nats(rows, self.joint_masks, derived=True)
        return columns, (1 - DERIVED_SHARE) * columns + DERIVED_SHARE * joint

    @torch.no_grad()
    def _mean_nats(self, rows: Rows, masks: Sequence[MaskTensors], *, derived: bool) -> float:
        """Mean log-likelihood of rows over masks, with or without their derived variables."""
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        complete = rows.complete and self.columns == self.layout.variables
        for values, observed in rows.batches(4096):
            if self.columns < self.layout.variables and not derived:
                values, observed = _columns_alone(values, observed, self.columns)
            features = self.layout.features(values, observed).float()
            known = None if complete else observed.float()
            for mask in masks:
                parameters = self.average.network(features, known, mask)
                total -= negative_log_likelihood(parameters, values, self.layout).double().sum()
        return float(total) / (len(rows) * len(masks))

    def keep_if_better(self, objective: float) -> bool:
        """Remember the averaged weights where they are the best so far."""
        if not objective > self.best_objective:
            return False
        self.best_objective = objective
        state = self.average.network.state_dict()
        self.best_state = {name: tensor.detach().clone() for name, tensor in state.items()}
        return True


def _columns_alone(values: Tensor, observed: Tensor, columns: int) -> tuple[Tensor, Tensor]:
    """Hide the derived variables of a minibatch, which stand after its columns."""
    values, observed = values.clone(), observed.clone()
    values[:, columns:], observed[:, columns:] = torch.nan, False
    return values, observed


def train_member(
    config: MemberConfig,
    network: MADE,
    masks: MaskSource,
    train: Rows,
    valid: Rows,
    seed: int,
    report: Callable[[int, float, float, float, float], None] = lambda *_: None,
) -> Curve:
    """Train a network in place, with early stopping on the validation likelihood.

    The network is left with the averaged weights of the best epoch. A KeyboardInterrupt ends
    training and keeps them, if an epoch has ended.

    Args:
        config: Settings.
        network: The network, on the device of the rows.
        masks: Its masks.
        train: Rows to learn from.
        valid: Rows to stop by.
        seed: Seed of shuffling.
        report: Called after each epoch with epoch, training nats, validation nats, best
            validation nats and seconds.

    Returns:
        The learning curve.

    Raises:
        TrainingError: The validation likelihood was not finite after any epoch.
        KeyboardInterrupt: It came before there was anything to keep.
    """
    settings = config.training
    epochs = settings.epochs(len(train))
    if settings.direct_rank is not None:
        factorise_direct_weights(network, train, settings.direct_rank, seed)
    batch_rows = settings.rows_per_batch(len(train))
    banded = blocks_of_one_mask(config, network, masks, batch_rows)
    state = MemberTraining(config, banded or network, masks, epochs, seed)
    curve, start = Curve(), time.monotonic()
    try:
        for epoch in range(1, epochs + 1):
            train_nats = state.epoch(train, batch_rows)
            valid_nats, objective = state.validate(valid)
            curve.train.append(train_nats)
            curve.valid.append(valid_nats)
            if state.keep_if_better(objective):
                curve.best_epoch = epoch
            curve.seconds = time.monotonic() - start
            best_nats = curve.valid[curve.best_epoch - 1] if curve.best_epoch else -math.inf
            report(epoch, train_nats, valid_nats, best_nats, curve.seconds)
            if epoch - curve.best_epoch >= settings.patience_epochs:
                break
            if settings.max_seconds is not None and curve.seconds > settings.max_seconds:
                break
            state.schedule(objective)
    except KeyboardInterrupt:
        if state.best_state is None:
            raise
        curve.interrupted = True
    if state.best_state is None:
        raise TrainingError(f"training of {config.name!r} diverged: no likelihood was finite")
    try:
        _leave_best(network, banded, state)
    except KeyboardInterrupt:
        curve.interrupted = True
        _leave_best(network, banded, state)
    return curve


def _leave_best(network: MADE, banded: BandedMADE | None, state: MemberTraining) -> None:
    """Put the weights of the best epoch into the network; safe to repeat after an interrupt."""
    best = state.best_state or {}
    if best.keys() == state.network.state_dict().keys():  # not so once it is plain
        state.network.load_state_dict(best)
    if banded is not None:
        banded.write_to(network)
    materialize_direct_weights(network)
    network.eval()

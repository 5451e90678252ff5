"""The search: trial after trial until the time is up, then the best of them as one mixture."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import optuna
import torch
from optuna.trial import FrozenTrial, TrialState, create_trial
from torch import Tensor

from madeira.models.arrays import Float64
from madeira.models.columns.base import Column
from madeira.models.columns.layout import Layout
from madeira.models.errors import TrainingError
from madeira.models.inference.member import Member
from madeira.models.training.config import FitConfig
from madeira.models.training.data import split_rows
from madeira.models.training.fit import (
    Fitted,
    mixture_of,
    train_network,
    untrained,
    worth_training,
)
from madeira.models.training.loop import Curve
from madeira.models.tuning.kinds import KINDS, SPACES, Kind, first_settings, member_config
from madeira.models.tuning.record import Ending, TrialRecord
from madeira.models.tuning.study import StudyFolder

__all__ = ["Search", "TrialProgress"]


MAX_SHARE = 1 / 3
KEPT = 3
RANDOM_TRIALS = 6
UNPRUNED_TRIALS = 4
UNPRUNED_EPOCHS = 8
UNPRUNED_STEPS = 100  # minibatches: a small table gives few an epoch, and a slow start is no fault
KEPT_PERCENT = 67.0  # of the trials at an epoch: slow learners are not to be lost


@dataclass(frozen=True)
class TrialProgress:
    """Where a trial stands at the end of an epoch.

    Attributes:
        number: Number of the trial.
        kind: Kind of its network.
        epoch: 1-based epoch.
        valid_nats: Mean log-likelihood of the validation rows, nats a row.
    """

    number: int
    kind: Kind
    epoch: int
    valid_nats: float


class _PrunedError(Exception):
    """Ends the training of a trial that is worse than most."""


class Search:
    """A search over the settings of training, on one table.

    Every choice follows from the seed and from earlier trials, so that a search that is continued
    makes the trials that it would have made. Only trials that the clock ends do not repeat.

    Args:
        values: Encoded table, NaN where missing, shape `(rows, variables)`.
        columns: Its columns.
        folder: Where trials are kept, entered.
        seed: Seed of the split, as in `fit`, and of every trial.
        device: Where to train.
        on_epoch: Called at the end of every epoch.
        on_trial: Called when a trial is over and kept.

    Attributes:
        interrupted: Whether an interrupt ended it.

    Raises:
        TrainingError: Too few rows, or nothing observed.
    """

    def __init__(
        self,
        values: Float64,
        columns: Sequence[Column],
        folder: StudyFolder,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
        on_epoch: Callable[[TrialProgress], None] = lambda _: None,
        on_trial: Callable[[TrialRecord], None] = lambda _: None,
    ) -> None:
        self._folder, self._seed = folder, seed
        self._on_epoch, self._on_trial = on_epoch, on_trial
        self._layout = Layout(columns).to(torch.device(device))
        self._config = FitConfig((member_config("any-order", 0, first_settings("any-order", 1)),))
        split_seed = np.random.SeedSequence(seed).spawn(1)[0]
        self._values, self._valid = split_rows(
            values,
            self._config.valid_fraction,
            self._config.valid_limit_rows,
            np.random.default_rng(split_seed),
        )
        if np.isnan(self._values).all() or np.isnan(self._valid).all():
            raise TrainingError("every value of the table is missing: there is nothing to learn")
        both = tuple(member_config(kind, 0, first_settings(kind, 1)) for kind in KINDS)
        names = [member.name for member in worth_training(both, self._values)]
        self._kinds = [kind for kind in KINDS if f"{kind}-0" in names]
        self.interrupted = False

    def run(self, budget_s: float) -> None:
        """Try settings until the time is up; a KeyboardInterrupt ends it early.

        At least one trial is made where the study has none. The epoch under way when the time
        is up is finished, and none is begun after it.

        Args:
            budget_s: Time for it, in seconds; no trial gets more than a third.
        """
        end = time.monotonic() + budget_s
        try:
            while (left := end - time.monotonic()) > 0 or not self._folder.records:
                self._try(min(max(left, 0.0), budget_s * MAX_SHARE))
        except KeyboardInterrupt:
            self.interrupted = True

    def best(self) -> Fitted:
        """Return the mixture of the best any-order network and the best fixed-order ones.

        The networks are those of the trials, not trained again, and weighed as `fit` weighs.

        Raises:
            TrainingError: No trial left a network, or its weights cannot be read.
        """
        chosen = [
            record
            for kind, most in (("any-order", 1), ("fixed-order", KEPT))
            for record in self._folder.best(kind)[:most]
        ]
        if not chosen:
            reasons = {record.reason for record in self._folder.records if record.reason}
            raise TrainingError(
                "no trial left a network" + "".join(f"; {reason}" for reason in sorted(reasons))
            )
        curves = [Curve(r.train, r.valid, r.best_epoch, r.seconds) for r in chosen]
        return mixture_of(
            [self._member(record) for record in chosen],
            curves,
            self._layout,
            self._config,
            self._values,
            self._valid,
        )

    def _member(self, record: TrialRecord) -> Member:
        config = member_config(record.kind, record.number, record.settings)
        network, masks = untrained(config, self._layout, self._values, record.seed)
        network.load_state_dict(self._folder.weights(record))
        network.eval()
        return Member(config.name, network, masks.answering, config.masks.any_order)

    def _try(self, limit_s: float) -> None:
        """Run one trial, of the kind that had fewer.

        Args:
            limit_s: Most seconds of its training.

        Raises:
            KeyboardInterrupt: The trial was interrupted; it is kept.
        """
        number = self._folder.next_number
        made = [record.kind for record in self._folder.records]
        kind = min(self._kinds, key=made.count)
        seed, sampler_seed = np.random.SeedSequence(
            [self._seed, KINDS.index(kind), number]
        ).generate_state(2)
        trial = self._study(kind, int(sampler_seed)).ask(SPACES[kind])
        config = member_config(kind, number, trial.params)
        # The limit of time is no setting, and not part of the record.
        timed = replace(config, training=replace(config.training, max_seconds=limit_s or 1e-9))
        steps_per_epoch = config.training.steps_per_epoch(len(self._values))
        train: list[float] = []
        valid: list[float] = []
        began = time.monotonic()

        def report(epoch: int, train_nats: float, valid_nats: float, *_: float) -> None:
            train.append(train_nats)
            valid.append(valid_nats)
            self._on_epoch(TrialProgress(number, kind, epoch, valid_nats))
            trial.report(valid_nats, epoch)
            if epoch * steps_per_epoch >= UNPRUNED_STEPS and trial.should_prune():
                raise _PrunedError

        weights: dict[str, Tensor] | None = None
        ending: Ending
        reason = ""
        try:
            member, curve = train_network(
                timed, self._layout, self._values, self._valid, int(seed), report
            )
            weights = member.network.state_dict()
            ending = _ending(curve, config.training.patience_epochs, config.training.max_epochs)
            self.interrupted = curve.interrupted
        except _PrunedError:
            ending = "pruned"
        except TrainingError as error:
            ending, reason = "failed", str(error)
        except torch.OutOfMemoryError:
            ending, reason = "failed", "the memory of the device did not suffice"
        seconds = time.monotonic() - began
        settings = dict(trial.params)
        record = TrialRecord(
            number, kind, settings, int(seed), ending, reason, train, valid, seconds
        )
        self._folder.add(record, weights, KEPT)
        self._on_trial(record)
        if self.interrupted:
            raise KeyboardInterrupt

    def _study(self, kind: Kind, seed: int) -> optuna.Study:
        """Make the Optuna trials of a kind."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, seed=seed),
            pruner=optuna.pruners.PercentilePruner(
                KEPT_PERCENT, UNPRUNED_TRIALS, UNPRUNED_EPOCHS, n_min_trials=2
            ),
        )
        records = [record for record in self._folder.records if record.kind == kind]
        study.add_trials([_frozen(record) for record in records])
        if not records:
            study.enqueue_trial(first_settings(kind, len(self._values)))
        return study


def _ending(curve: Curve, patience_epochs: int, most_epochs: int) -> Ending:
    if curve.interrupted:
        return "interrupted"
    epochs = len(curve.valid)
    over = epochs - curve.best_epoch >= patience_epochs or epochs == most_epochs
    return "finished" if over else "stopped"


def _frozen(record: TrialRecord) -> FrozenTrial:
    """Make Optuna's record of a trial; without a finite likelihood it is a failed one."""
    known = {epoch: nats for epoch, nats in enumerate(record.valid, 1) if math.isfinite(nats)}
    state = TrialState.PRUNED if record.ending == "pruned" else TrialState.COMPLETE
    if record.ending == "failed" or not known:
        state = TrialState.FAIL
    return create_trial(
        state=state,
        value=record.best_nats if state == TrialState.COMPLETE else None,
        params=record.settings,
        distributions=SPACES[record.kind],
        intermediate_values=known,
    )

"""Which settings mattered."""

from collections.abc import Sequence

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from madeira.models.tuning.kinds import SPACES
from madeira.models.tuning.record import TrialRecord

__all__ = ["MIN_TRIALS", "importances"]

MIN_TRIALS = 12
BETTER_SHARE = 0.25


def importances(records: Sequence[TrialRecord]) -> dict[str, float]:
    """How much each setting tells the better trials from the rest, summing to 1.

    PED-ANOVA (Watanabe, Bansal, Hutter, IJCAI 2023) compares how settings are distributed among
    the better quarter of the trials with how they are among all. A trial that was pruned counts
    with the best it had come to.

    Args:
        records: Trials of one kind.

    Returns:
        The most important first; nothing where fewer than twelve trials came to a likelihood.
    """
    counted = [record for record in records if record.best_nats > -float("inf")]
    if len(counted) < MIN_TRIALS:
        return {}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    for record in counted:
        space = SPACES[record.kind]
        study.add_trial(
            create_trial(value=record.best_nats, params=record.settings, distributions=space)
        )
    evaluator = PedAnovaImportanceEvaluator(target_quantile=BETTER_SHARE)
    found = get_param_importances(study, evaluator=evaluator)
    return dict(sorted(found.items(), key=lambda item: -item[1]))

"""A search over the settings of training, by Optuna: an extra, `pip install 'madeira[tune]'`."""

from madeira.models.tuning.importance import importances
from madeira.models.tuning.kinds import KINDS, SPACES, Kind
from madeira.models.tuning.record import Ending, TrialRecord
from madeira.models.tuning.search import Search, TrialProgress
from madeira.models.tuning.study import StudyFolder

__all__ = [
    "KINDS",
    "SPACES",
    "Ending",
    "Kind",
    "Search",
    "StudyFolder",
    "TrialProgress",
    "TrialRecord",
    "importances",
]

"""A search over the settings of training, by Optuna: an extra, `pip install 'madeira[tune]'`."""

from models.tuning.importance import importances
from models.tuning.kinds import KINDS, SPACES, Kind
from models.tuning.record import Ending, TrialRecord
from models.tuning.search import Search, TrialProgress
from models.tuning.study import StudyFolder

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

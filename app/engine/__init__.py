"""Admission, queue and dispatch: jobs wait here until a worker has capacity."""

from madeira.app.engine.admission import Admission
from madeira.app.engine.engine import Engine
from madeira.app.engine.request import AdmittedRequest
from madeira.app.engine.stream import joined_result, results
from madeira.app.engine.work import Work
from madeira.app.engine.worker_pool import WorkerPoolSize

__all__ = [
    "Admission",
    "AdmittedRequest",
    "Engine",
    "Work",
    "WorkerPoolSize",
    "joined_result",
    "results",
]

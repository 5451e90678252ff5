"""Admission, queue and dispatch: jobs wait here until a worker has capacity."""

from madeira.app.engine.admission import Admission
from madeira.app.engine.engine import Pool
from madeira.app.engine.request import Ticket
from madeira.app.engine.stream import joined_result, results
from madeira.app.engine.work import Work
from madeira.app.engine.worker_pool import FleetSize

__all__ = ["Admission", "FleetSize", "Pool", "Ticket", "Work", "joined_result", "results"]

"""What is asked waits here until a worker has room, and no longer."""

from madeira.app.batching.admission import Admission
from madeira.app.batching.fleet import FleetSize
from madeira.app.batching.pool import Pool
from madeira.app.batching.stream import joined_result, results
from madeira.app.batching.ticket import Ticket
from madeira.app.batching.work import Work

__all__ = ["Admission", "FleetSize", "Pool", "Ticket", "Work", "joined_result", "results"]

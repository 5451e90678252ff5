"""What is asked waits here until a worker has room, and no longer."""

from madeira.app.batching.admission import Admission
from madeira.app.batching.costs import costs_of_rows
from madeira.app.batching.fleet import FleetSize
from madeira.app.batching.pool import Pool
from madeira.app.batching.ticket import Ticket
from madeira.app.batching.work import Work

__all__ = ["Admission", "FleetSize", "Pool", "Ticket", "Work", "costs_of_rows"]

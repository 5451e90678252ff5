"""What is asked waits here until a worker has room, and no longer."""

from app.batching.admission import Admission
from app.batching.costs import costs_of_rows
from app.batching.fleet import FleetSize
from app.batching.pool import Pool
from app.batching.ticket import Ticket
from app.batching.work import Work

__all__ = ["Admission", "FleetSize", "Pool", "Ticket", "Work", "costs_of_rows"]

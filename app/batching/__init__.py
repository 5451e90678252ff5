"""What is asked waits here until a worker has room, and no longer."""

from app.batching.admission import Admission
from app.batching.costs import cost_of_rows
from app.batching.pool import Pool
from app.batching.ticket import Ticket

__all__ = ["Admission", "Pool", "Ticket", "cost_of_rows"]

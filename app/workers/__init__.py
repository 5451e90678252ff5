"""Jobs are computed here, off the event loop."""

from app.workers.execute import execute
from app.workers.pool import Pool

__all__ = ["Pool", "execute"]

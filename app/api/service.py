"""What every endpoint works with."""

from dataclasses import dataclass

from fastapi import Request

from app.registry import Registry
from app.settings import Settings
from app.workers import Pool

__all__ = ["Service", "service_of"]


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of the running service.

    Attributes:
        settings: As read at start-up.
        registry: The models.
        pool: Where jobs are computed.
    """

    settings: Settings
    registry: Registry
    pool: Pool


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service

"""A client of the service, with the methods of `DensityEstimator`."""

from madeira.app.client.asynchronous import AsyncClient
from madeira.app.client.synchronous import Client

__all__ = ["AsyncClient", "Client"]

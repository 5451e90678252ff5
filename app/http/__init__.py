"""HTTP: bodies, negotiation, problems, limits, the access log, routes and their description."""

__all__: list[str] = []

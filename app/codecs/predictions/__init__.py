"""JSON as platforms that serve models send and read it."""

__all__: list[str] = []

"""Arrow IPC streams."""

__all__: list[str] = []

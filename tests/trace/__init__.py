"""The way of one request through the files of the service: `make trace`."""

__all__: list[str] = []

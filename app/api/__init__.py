"""Resources over HTTP, one a file."""

__all__: list[str] = []

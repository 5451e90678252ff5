"""Tables as JSON lines, one object a row."""

__all__: list[str] = []

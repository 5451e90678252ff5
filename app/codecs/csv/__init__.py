"""Tables as comma-separated values, in and out."""

__all__: list[str] = []

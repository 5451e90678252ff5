"""HTTP: one file a resource; what they share stands in files of its own."""

__all__: list[str] = []

"""NumPy arrays of numbers, in and out."""

__all__: list[str] = []

"""What one hostile caller does to another: `python -m benchmarks.abuse`; `__main__.py` has it."""

__all__: list[str] = []

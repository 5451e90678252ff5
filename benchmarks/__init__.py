"""Benchmarks: `python -m benchmarks.NAME [--quick] [--device D]`.

Each prints a table and writes `benchmarks/results/NAME.json`. What is compared runs in one
process, in turns, and the medians count.
"""

__all__: list[str] = []

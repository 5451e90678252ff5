"""Synthetic rows of Madeira and of its peers, side by side."""

__all__: list[str] = []

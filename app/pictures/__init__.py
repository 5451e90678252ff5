"""Pictures (PNG, matplotlib) that are saved with a model: learning curves, and a search."""

__all__: list[str] = []

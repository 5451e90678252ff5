"""Products with masked weights that skip zero blocks: units are sorted by degree."""

__all__: list[str] = []

"""Products with masked weights, sorted by degree: what is zero is not computed."""

__all__: list[str] = []

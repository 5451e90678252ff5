"""Values of a table and the forms they come in: Arrow types, numbers, texts, one JSON row."""

__all__: list[str] = []

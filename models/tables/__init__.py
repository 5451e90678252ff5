"""Tables as users have them: read from files, taken in and given back."""

__all__: list[str] = []

"""How fast the service answers, beside other servers of the same model; `__main__.py` has it."""

__all__: list[str] = []

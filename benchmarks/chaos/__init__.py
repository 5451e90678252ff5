"""The service under load while it is badly treated; `__main__.py` has the trials."""

__all__: list[str] = []

"""Schemas as YAML or JSON that people edit: `read.py` reads them, `write.py` writes them."""

__all__: list[str] = []

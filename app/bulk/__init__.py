"""Files in, files out: score, sample and impute any number of rows in constant memory."""

__all__: list[str] = []

"""Tables in the formats in which they travel, one file a format, and the checks they share."""

__all__: list[str] = []

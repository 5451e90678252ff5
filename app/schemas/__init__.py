"""Bodies of requests and answers: what OpenAPI shows, and what options are checked against.

Tables are not read through these models: a table is checked as a whole, against the schema of
the model that it is for, by `madeira.app.codecs.json.table`.
"""

__all__: list[str] = []

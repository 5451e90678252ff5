"""The bundled models, `NAME/VERSION/`, and what they are made of and by."""

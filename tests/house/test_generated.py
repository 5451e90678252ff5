"""What the documents take from the code is what the code says now: `make docs` renews it."""

from docs.build import DOCS, openapi_document, settings_document

HINT = "run make docs"


def test_the_table_of_settings_is_renewed() -> None:
    assert (DOCS / "settings.md").read_text() == settings_document(), HINT


def test_the_description_of_the_service_is_renewed() -> None:
    assert (DOCS / "openapi.json").read_text() == openapi_document(), HINT

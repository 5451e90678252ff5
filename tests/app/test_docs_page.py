"""Every button of `/docs` is pressed by a real browser: with its example, and options changed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.app.running import Document, RunningService

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

OTHER_VALUES = {
    "bad_cells": "warn",
    "format": "json",
    "version": "1",
    "n": "3",
    "seed": "11",
    "given": '{"species": "Adelie"}',
    "temperature": "0.5",
    "contamination": "0.1",
    "draws": "2",
    "estimate": "mean",
    "unknown": "error",
}
"""What is typed or chosen; an option that is true or false is set to each of them."""


def press(page: "Page", operation: "Locator") -> Document:
    """Execute an operation; return the document of its answer, which must be a success."""
    with page.expect_response(lambda answer: "/docs" not in answer.url) as waited:
        operation.locator("button.execute").click()
    answer = waited.value
    assert answer.ok, f"{answer.url}: {answer.text()}"
    shown = operation.locator(".live-responses-table tbody .response-col_status").first
    shown.wait_for()
    assert shown.inner_text().split()[0] == str(answer.status)
    document: Document = answer.json()
    return document


def opened(page: "Page", service: RunningService) -> Iterator["Locator"]:
    """Each operation of the page in turn, opened."""
    page.goto(f"http://127.0.0.1:{service.port}/docs")
    page.locator(".opblock").first.wait_for()
    for operation in page.locator(".opblock").all():
        operation.locator(".opblock-summary-control").click()
        operation.locator("button.execute").wait_for()
        yield operation
        operation.locator(".opblock-summary-control").click()


def change(field: "Locator", value: str) -> None:
    """Set an option as a visitor does; empty takes it back."""
    if field.evaluate("one => one.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)


def test_every_operation_succeeds_as_it_stands(page: "Page", penguins: RunningService) -> None:
    pressed = 0
    for operation in opened(page, penguins):
        press(page, operation)
        pressed += 1
    paths = penguins.client.get("/openapi.json").json()["paths"]
    assert pressed == sum(map(len, paths.values())) == 12


@pytest.mark.parametrize("path", ["/score", "/sample", "/impute"])
def test_every_option_can_be_changed_beside_every_example(
    page: "Page", penguins: RunningService, path: str
) -> None:
    described = penguins.client.get("/openapi.json").json()["paths"][path]["post"]
    bodies = described["requestBody"]["content"]["application/json"]["examples"]
    operation = next(
        one
        for one in opened(page, penguins)
        if one.locator(".opblock-summary-path").inner_text().strip().replace("\u200b", "") == path
    )
    for example, body in bodies.items():
        operation.locator(".opblock-section-request-body .examples-select-element").select_option(
            example
        )
        plain = press(page, operation)
        assert plain["model"] == {"name": "penguins", "version": "1"}
        for parameter in described["parameters"]:
            name = parameter["name"]
            if name in body["value"]:
                continue  # two different values would be a contradiction
            field = operation.locator(f'tr[data-param-name="{name}"]').locator(
                "select, input[type=text], textarea"
            )
            before = field.input_value()
            for value in tried(parameter):
                change(field, value)
                press(page, operation)
            change(field, before)


def tried(parameter: dict[str, Any]) -> list[str]:
    """Values to try for an option, other than its own."""
    name, kind = parameter["name"], parameter.get("schema", {})
    if name == "model":
        return ["penguins"]
    return ["true", "false"] if kind.get("type") == "boolean" else [OTHER_VALUES[name]]


def test_an_option_that_is_changed_has_its_effect(page: "Page", penguins: RunningService) -> None:
    operations = opened(page, penguins)
    score = next(operations)
    change(score.locator('tr[data-param-name="contributions"] select'), "true")
    assert len(press(page, score)["contributions"]) == 3
    sample = next(operations)
    change(sample.locator('tr[data-param-name="n"] input'), "3")
    assert len(press(page, sample)["rows"]) == 3

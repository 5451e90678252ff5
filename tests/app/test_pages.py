"""The pages for people, looked at by a real browser that may only see the service."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app.running import RunningService

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_names_no_other_host(service: RunningService, path: str) -> None:
    answer = service.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    hosts = set(re.findall(r"https?://([^/\"'\s<>]+)", answer.text))
    assert hosts <= {"www.w3.org"}  # the name of SVG, which nobody fetches


def test_the_console_may_talk_to_nobody_else(service: RunningService) -> None:
    policy = service.client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy


@pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"])
def test_the_assets_come_from_the_service(service: RunningService, name: str) -> None:
    answer = service.client.get(f"/docs/assets/{name}")
    assert answer.status_code == 200
    assert len(answer.content) > 100


def watch(page: "Page") -> tuple[list[str], list[str]]:
    """Record the requests of the page from now on, and its errors."""
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    return asked, wrong


@pytest.mark.browser
def test_the_console_shows_what_is_served(
    page: "Page", start: Callable[..., RunningService], checkpoints: Path, tmp_path: Path
) -> None:
    shutil.copytree(checkpoints / "shop", tmp_path / "shop")
    (tmp_path / "<b>broken" / "4").mkdir(parents=True)
    service = start(checkpoints=tmp_path)
    asked, wrong = watch(page)
    page.goto(f"http://127.0.0.1:{service.port}/")
    page.get_by_text("ready: 1 model").wait_for()
    page.get_by_role("heading", name="shop").wait_for()
    text = page.inner_text("main")
    for shown in ("Customers of a shop.", "version 1", "São Vicente", '100% "risk"', "continuous"):
        assert shown in text
    assert "note" in text  # left out, and said so
    assert "<b>broken" in page.inner_text("#refused")
    assert all(url.startswith(f"http://127.0.0.1:{service.port}/") for url in asked)
    assert wrong == []


@pytest.mark.browser
def test_the_console_says_when_no_model_is_served(
    page: "Page", start: Callable[..., RunningService], tmp_path: Path
) -> None:
    service = start(checkpoints=tmp_path)
    page.goto(f"http://127.0.0.1:{service.port}/")
    page.get_by_text("not ready").wait_for()
    page.get_by_role("heading", name="No model is served").wait_for()


@pytest.mark.browser
def test_the_documentation_works_without_any_other_host(
    page: "Page", service: RunningService
) -> None:
    asked, wrong = watch(page)
    page.goto(f"http://127.0.0.1:{service.port}/docs")
    operation = page.locator("#operations-Health-ready_health_ready_get")
    operation.locator(".opblock-summary-control").click()
    operation.locator("button.execute").click()
    status = operation.locator(".live-responses-table tbody .response-col_status").first
    status.wait_for()
    assert status.inner_text().split()[0] == "200"
    assert page.locator(".opblock").count() == 12
    local = (f"http://127.0.0.1:{service.port}/", "data:", "blob:")
    assert all(url.startswith(local) for url in asked)
    assert wrong == []

"""The pages of the documentation site, as they are laid out before Zensical builds them."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from docs import website
from tests.house.tree import ROOT


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(website, "SOURCE", folder / "pages")
        website.stage()
    return folder / "pages"


def test_every_page_of_the_navigation_is_there(pages: Path) -> None:
    text = (ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8")
    names = re.findall(r'"([^"]+\.md)"', json.dumps(tomllib.loads(text)["project"]["nav"]))
    assert len(names) > 40
    assert not [name for name in names if not (pages / name).is_file()]


def test_code_that_a_page_links_to_is_a_page(pages: Path) -> None:
    found = re.findall(r"\]\((app/[^)]+\.py\.md)\)", (pages / "where.md").read_text())
    assert found
    for name in found:
        code = (ROOT / name.removesuffix(".md")).read_text(encoding="utf-8").rstrip()
        assert code in (pages / name).read_text(encoding="utf-8")


def test_a_notebook_is_a_page_with_its_outputs(pages: Path) -> None:
    text = (pages / "examples" / "first_look.md").read_text(encoding="utf-8")
    assert "![](data:image/png;base64," in text
    assert "<table>" in text


def test_the_reference_has_every_command_and_every_endpoint(pages: Path) -> None:
    commands = (pages / "reference" / "cli.md").read_text(encoding="utf-8")
    for name in ("serve", "train", "tune", "schema", "models", "report"):
        assert f"## madeira {name}\n" in commands
    assert "| `--port` |" in commands
    endpoints = (pages / "reference" / "http.md").read_text(encoding="utf-8")
    described = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    for path in described["paths"]:
        assert f" {path}\n" in endpoints
    for name in described["components"]["schemas"]:
        assert f"### {name}\n" in endpoints

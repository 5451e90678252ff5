"""Links of the documents lead to files that are there, and paths in them name such files."""

import os
import re
from pathlib import Path

from tests.house.tree import ROOT, project_files, text_of

FILES = set(project_files())
FOLDERS = {folder for path in FILES for folder in path.parents}
PAGES = [path for path in FILES if path.suffix == ".md"]
ROOMS = "app|benchmarks|checkpoints|docs|examples|models|tests"

FENCE = re.compile(r"^(```|~~~).*?^\1\s*?$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
PATH = re.compile(rf"`((?:{ROOMS})/[\w./-]+)(?:::\w+)?`")
MADE = {
    "models/bundled",
    "benchmarks/results/abuse.json",
}  # by commands; not kept in the repository


def places(page: Path, pattern: re.Pattern[str]) -> list[str]:
    return pattern.findall(FENCE.sub("", text_of(page) or ""))


def is_there(path: Path) -> bool:
    return path in FILES or path in FOLDERS


def test_links_lead_to_files() -> None:
    dead = [
        f"{page}: {target}"
        for page in PAGES
        for target in places(page, LINK)
        if not is_there(Path(os.path.normpath(page.parent / target)))
    ]
    assert not dead, dead


def test_paths_in_texts_are_there() -> None:
    gone = [
        f"{page}: {name}"
        for page in PAGES
        for name in places(page, PATH)
        if not is_there(Path(name.rstrip("/"))) and name not in MADE
    ]
    assert not gone, gone


def test_every_page_is_reached_from_the_navigation() -> None:
    navigation = (ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8")
    pages = [path.relative_to("docs").as_posix() for path in PAGES if path.parts[0] == "docs"]
    missing = [page for page in pages if f'"{page}"' not in navigation]
    assert not missing, missing


def test_every_decision_is_listed() -> None:
    folder = Path("docs/decisions")
    listed = places(folder / "README.md", LINK)
    kept = [path.name for path in PAGES if path.parent == folder and path.name != "README.md"]
    assert sorted(listed) == sorted(kept)

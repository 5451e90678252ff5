"""No file names a package registry's host, a private path or a tracker's number."""

import re

import pytest

from tests.house.tree import project_files, text_of

# Spelled in parts, so that this file keeps its own rule.
_HOSTS = [
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("download.pytorch", "org"),
    ("anaconda", "org"),
    ("npmjs", "org"),
    ("docker", "io"),
    ("ghcr", "io"),
    ("quay", "io"),
    ("nvcr", "io"),
    ("deb.debian", "org"),
]
FORBIDDEN = {
    "the host of a registry: the reader's own tools know theirs": re.compile(
        "|".join(re.escape(".".join(parts)) for parts in _HOSTS)
    ),
    "a path on somebody's machine: use one inside the repository": re.compile(
        r"(?<![\w.$}/-])/(?:home|Users|root|work|opt/(?:pypi|wheels))/[\w.]"
    ),
    "a number of a tracker: say what it is about": re.compile(
        r"\b(?:issue|ticket) ?#? ?\d+\b", re.IGNORECASE
    ),
}

TEXTS = [path for path in project_files() if text_of(path) is not None]


@pytest.mark.parametrize("rule", FORBIDDEN, ids=lambda rule: rule.split(":")[0])
def test_no_file_holds(rule: str) -> None:
    found = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path in TEXTS
        for number, line in enumerate((text_of(path) or "").splitlines(), start=1)
        if FORBIDDEN[rule].search(line)
    ]
    assert not found, f"{rule}\n" + "\n".join(found)

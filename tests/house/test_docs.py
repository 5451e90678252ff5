"""README.md and docs/ run as written, against a running service.

Every block marked bash or python is one test. Blocks run in the order of the documents, each in
a shell of its own, in one copy of the project: what a block leaves there, the next one finds.
`http://127.0.0.1:8000`, the service's address in the text, becomes the address of the service
that the tests started. A block fails with its first failing command (`set -euo pipefail`), curl
included when the answer is an error.
"""

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.house.blocks import NOT_RUN, RUN_BY, Block, blocks, documents
from tests.house.tree import ROOT

if TYPE_CHECKING:
    from tests.house.conftest import Workshop

BLOCK_LIMIT_S = 180
WRITTEN_URL = "http://127.0.0.1:8000"

BLOCKS = [block for path in documents() for block in blocks(path)]
RUNNABLE = [block for block in BLOCKS if block.language in RUN_BY and not block.options]
LEFT_OUT = [block for block in BLOCKS if block.options]


@pytest.mark.parametrize("block", RUNNABLE, ids=str)
def test_the_example_runs(block: Block, workshop: "Workshop") -> None:
    text = block.text.replace(WRITTEN_URL, workshop.url)
    done = subprocess.run(
        [*RUN_BY[block.language], text],
        cwd=workshop.folder,
        env=workshop.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BLOCK_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{block} left with {done.returncode}\n{text}\n{done.stdout}"


@pytest.mark.parametrize("block", LEFT_OUT, ids=str)
def test_an_example_that_is_not_run_has_a_reason(block: Block) -> None:
    assert block.options == ("no-test",), f"{block}: unknown words {block.options}"
    assert block.language == "bash", f"{block}: only commands can be left out"
    unexplained = [command for command in block.commands if not command.startswith(tuple(NOT_RUN))]
    assert not unexplained, f"{block}: run these, or give the reason in NOT_RUN: {unexplained}"


def test_no_example_escapes_by_its_spelling() -> None:
    shells = {"sh", "shell", "console", "zsh", "py", "python3"}
    assert not [str(block) for block in BLOCKS if block.language in shells], "write bash or python"
    other_address = re.compile(r"localhost:\d+|127\.0\.0\.1:(?!8000\b)\d+|0\.0\.0\.0:\d+")
    assert not [str(block) for block in RUNNABLE if other_address.search(block.text)], (
        f"write {WRITTEN_URL}: the tests put the address of their own service there"
    )


@pytest.mark.parametrize(
    ("target", "command"), [("serve", "madeira serve"), ("test", "python -m pytest")]
)
def test_make_ends_in_the_command_that_the_tests_stand_for(target: str, command: str) -> None:
    # As typed in a shell: a make that runs these tests must not colour this one.
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    plan = subprocess.run(
        ["make", "--dry-run", "--always-make", target],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    last = re.sub(r"\\\n\s*", "", plan.stdout).strip().splitlines()[-1]
    assert command in last, f"`make {target}` no longer ends in `{command}`: {last}"

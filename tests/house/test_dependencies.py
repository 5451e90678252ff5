"""What is installed with what: a light core, extras for the rest, and room for other packages."""

import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from madeira.app.command import _EXTRA_OF
from tests.house.tree import ROOT

CLIENTS = ("botocore", "boto3", "tritonclient[grpc]")
"""Packages of others that are installed beside Madeira, and are strict about versions."""

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.partition(".")[0])

sys.meta_path.insert(0, Blocked())
"""

USE_OF_THE_CORE = """
import numpy as np, pyarrow as pa
from madeira.models import DensityEstimator
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.training.config import FitConfig, MemberConfig, TrainingConfig

table = pa.table({"size": [1.0, 2.0, None, 2.5] * 20, "kind": ["a", "b", "b", "b"] * 20})
member = MemberConfig(
    "any-order", NetworkConfig((8,)), MaskConfig("sampled", "even", count=None),
    TrainingConfig(max_epochs=2, patience_epochs=2),
)
estimator = DensityEstimator(config=FitConfig((member,)), seed=1).fit(table)
assert np.isfinite(estimator.log_prob(table)).all()
assert estimator.sample(3, seed=1).num_rows == 3
assert estimator.impute(table, seed=1)["size"].null_count == 0
"""


def without(blocked: set[str], code: str) -> "subprocess.CompletedProcess[str]":
    """Run code in a process where some packages are not there."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKED.format(blocked=blocked) + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_densities_work_without_the_extras() -> None:
    done = without({*_EXTRA_OF, "starlette"}, USE_OF_THE_CORE)
    assert done.returncode == 0, done.stderr


def packages_of(extra: str) -> set[str]:
    """Return the names of the packages of an extra, with those of the extras that it names."""
    names, wanted = set(), [extra]
    while wanted:
        for text in PROJECT["optional-dependencies"][wanted.pop()]:
            requirement = Requirement(text)
            if requirement.name == PROJECT["name"]:
                wanted += requirement.extras
            names.add(canonicalize_name(requirement.name))
    return {{"pyyaml": "yaml"}.get(name, name) for name in names}


def test_every_package_that_a_command_may_lack_is_in_the_extra_that_is_named() -> None:
    lacking = [
        (package, extra)
        for package, extras in _EXTRA_OF.items()
        for extra in extras.split(",")
        if canonicalize_name(package) not in packages_of(extra)
    ]
    assert not lacking, f"these extras do not have these packages: {lacking}"


@pytest.mark.parametrize(
    ("missing", "command", "extra"),
    [
        ("typer", ["--help"], "serve,train"),
        ("fastapi", ["serve", "--port", "0"], "serve"),
        ("yaml", ["schema", "table.csv"], "train"),
    ],
)
def test_a_command_says_which_extra_it_lacks(missing: str, command: list[str], extra: str) -> None:
    code = f"import sys; sys.argv[1:] = {command!r}\nfrom madeira.app.command import main\nmain()"
    done = without({missing}, code)
    assert done.returncode == 1
    assert done.stderr == (
        f"madeira: this command needs {missing}, which is not installed: "
        f"pip install 'madeira[{extra}]'\n"
    )


def test_the_core_asks_for_no_package_of_the_extras() -> None:
    names = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert not names & {canonicalize_name(name) for name in _EXTRA_OF}


def test_the_pins_leave_room_for_packages_of_others() -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    if subprocess.run([*pip, "index", "versions", "six"], capture_output=True).returncode:
        pytest.skip("no package index can be reached")
    extras = ",".join(PROJECT["optional-dependencies"])
    pip += ["install", "--dry-run", "--quiet", "--constraint", "constraints.txt"]
    done = subprocess.run(
        [*pip, f".[{extras}]", *CLIENTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr

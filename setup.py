"""Put the bundled models into the wheel, as `models/bundled`; the rest is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = Path(__file__).parent / "checkpoints"


class BuildWithModels(build_py):
    """Build command that copies the bundled models too."""

    def run(self) -> None:
        """Copy `checkpoints/NAME/VERSION`; an editable installation has them in the checkout."""
        super().run()
        if self.editable_mode:
            return
        for version in sorted(MODELS.glob("*/[0-9]*")):
            bundled = Path(self.build_lib, "madeira", "models", "bundled")
            target = bundled / version.parent.name / version.name
            shutil.copytree(version, target, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithModels})

"""Saves a trained model, elsewhere if its own directory cannot be written."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from madeira.app.errors import TrainError
from madeira.models.errors import CheckpointError

__all__ = ["save_trained"]


def save_trained(save: Callable[[Path], Path], place: Path) -> Path:
    """Save a trained model; where the disk is full, hours of training are kept elsewhere.

    Args:
        save: Writes the next version to the directory of a model, and returns its path.
        place: Directory of the model.

    Returns:
        The directory of the version.

    Raises:
        TrainError: `place` cannot be written; the model is in the directory of temporary files.
        CheckpointError: Neither can be written.
    """
    try:
        return save(place)
    except CheckpointError as error:
        folder = Path(tempfile.mkdtemp(prefix=f"madeira-{place.name}-"))
        try:
            saved = save(folder)
        except CheckpointError:
            shutil.rmtree(folder, ignore_errors=True)
            raise error from None
        raise TrainError(f"{error}. The model is saved in {saved}: move it to {place}") from error

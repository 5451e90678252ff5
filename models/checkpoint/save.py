"""Write a checkpoint directory, whole or not at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as save_tensors
from torch import Tensor

from madeira.models.checkpoint.atomic import moved, unfinished
from madeira.models.checkpoint.config import StoredMember, check_metrics, members_of
from madeira.models.checkpoint.files import (
    CARD,
    CONFIG,
    FORMAT_VERSION,
    METRICS,
    MODEL,
    SCHEMA,
    digest_of,
)
from madeira.models.checkpoint.json_text import parse_object, to_json_bytes
from madeira.models.checkpoint.load import Checkpoint
from madeira.models.checkpoint.tensors import CALIBRATION, JOINT_CALIBRATION, LOG_WEIGHTS
from madeira.models.errors import CheckpointError
from madeira.models.inference.density import Density
from madeira.models.version_numbers import next_version

__all__ = ["save_checkpoint", "save_version"]

_TAKEN = "it exists already: a checkpoint is saved to a new directory"


def save_checkpoint(
    path: str | Path, checkpoint: Checkpoint, extra: Mapping[str, bytes] | None = None
) -> None:
    """Write a checkpoint directory, whole or not at all.

    Everything is written and flushed to a directory beside `path` that is then renamed to it:
    if the process ends on the way, `path` and all other versions are left as they were.

    Args:
        path: The directory to make; a new version has a new one.
        checkpoint: What to write.
        extra: Further files by name, such as pictures; they are not read back.

    Raises:
        CheckpointError: `path` exists already, or cannot be written.
    """
    path = Path(path)
    if path.exists():
        raise CheckpointError(_TAKEN, path)
    files = _contents(checkpoint, extra or {})
    try:
        with unfinished(path.parent, files) as beside:
            if not moved(beside, path):
                raise CheckpointError(_TAKEN, path)
    except OSError as error:
        raise CheckpointError(_unwritable(error), path) from error


def save_version(
    directory: str | Path,
    checkpoint: Checkpoint,
    extra: Mapping[str, bytes] | None = None,
    others: Sequence[str | Path] = (),
) -> Path:
    """Write a checkpoint as the next version of a model, whole or not at all.

    The number is chosen when everything is written: of several that train one model at a time,
    each gets a version of its own.

    Args:
        directory: Of the model, `checkpoints/<name>`.
        checkpoint: What to write.
        extra: Further files by name, such as pictures; they are not read back.
        others: Directories of the same model elsewhere, whose numbers are taken as well.

    Returns:
        The directory of the version.

    Raises:
        CheckpointError: It cannot be written.
    """
    directory = Path(directory)
    files = _contents(checkpoint, extra or {})
    try:
        with unfinished(directory, files) as beside:
            number = int(next_version(directory, *others))
            while not moved(beside, directory / str(number)):
                number = max(number + 1, int(next_version(directory, *others)))
    except OSError as error:
        raise CheckpointError(_unwritable(error), directory) from error
    return directory / str(number)


def _unwritable(error: OSError) -> str:
    return f"it cannot be written: {error.strerror or error}"


def _contents(checkpoint: Checkpoint, extra: Mapping[str, bytes]) -> dict[str, bytes]:
    """Make the files of a checkpoint, by name, and check that they can be read back.

    Raises:
        CheckpointError: Names what cannot be kept.
    """
    files = dict(extra)
    files |= {
        MODEL: save_tensors(_tensors(checkpoint.density)),
        SCHEMA: to_json_bytes(checkpoint.schema.to_json()),
        METRICS: to_json_bytes(checkpoint.metrics),
        CARD: checkpoint.card.encode(),
    }
    config: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "members": [
            StoredMember(
                member.name, member.network.config, len(member.masks), member.any_order
            ).to_json()
            for member in checkpoint.density.members
        ],
    }
    members_of(config)
    check_metrics(parse_object(METRICS, files[METRICS]))
    config["digests"] = {name: digest_of(content) for name, content in files.items()}
    config["digest"] = digest_of(to_json_bytes(config))
    return files | {CONFIG: to_json_bytes(config)}


def _tensors(density: Density) -> dict[str, Tensor]:
    tensors = {
        LOG_WEIGHTS: torch.as_tensor(density.log_weights),
        CALIBRATION: torch.as_tensor(density.calibration.quantiles),
    }
    networks = {member.name: member.network for member in density.members}
    if density.joint is not None:  # of the same networks, derived variables included
        networks |= {member.name: member.network for member in density.joint.members}
        tensors[JOINT_CALIBRATION] = torch.as_tensor(density.joint.calibration.quantiles)
    for index, member in enumerate(density.members):
        for name, tensor in networks[member.name].state_dict().items():
            tensors[f"members.{index}.{name}"] = tensor.cpu().contiguous()
        positions = np.stack([mask.positions for mask in member.masks])
        tensors[f"masks.{index}.positions"] = torch.as_tensor(positions, dtype=torch.int32)
        for layer in range(len(member.network.config.hidden)):
            degrees = np.stack([mask.degrees[layer] for mask in member.masks])
            tensors[f"masks.{index}.degrees.{layer}"] = torch.as_tensor(degrees, dtype=torch.int32)
    return tensors

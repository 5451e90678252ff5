"""Checkpoints: a directory of safetensors and JSON, checked by digest, written atomically.

```
checkpoints/<name>/<version>/
    model.safetensors     weights, masks, mixture weights, reference rows
    config.json           shape of the networks, format version, digests of the other files
    schema.json           the columns
    metrics.json          where, on what and how well it was trained; learning curves
    README.md             model card
```

No pickle is read or written. A checkpoint trained on a GPU loads on a CPU and the other way round.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from models.checkpoint_files import (
    CARD,
    CONFIG,
    FORMAT_VERSION,
    METRICS,
    MODEL,
    SCHEMA,
    CheckpointFiles,
    digest_of,
    explained,
    to_json_bytes,
)
from models.columns.layout import Layout
from models.columns.schema import Schema
from models.errors import CheckpointError
from models.inference.calibration import Reference
from models.inference.density import Density
from models.inference.member import Member
from models.made.config import NetworkConfig
from models.made.masks import Mask
from models.made.network import MADE

__all__ = [
    "Checkpoint",
    "Description",
    "load_checkpoint",
    "next_version",
    "read_description",
    "save_checkpoint",
    "versions",
]


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint directory holds.

    Attributes:
        schema: The columns.
        density: The trained mixture.
        metrics: Where, on what and how well it was trained; JSON values.
        card: The model card, Markdown.
    """

    schema: Schema
    density: Density
    metrics: Mapping[str, Any]
    card: str


def versions(directory: str | Path) -> list[str]:
    """Versions of the model in `checkpoints/<name>`, oldest first; other entries are ignored."""
    directory = Path(directory)
    if not directory.is_dir():
        return []
    numbers = (entry.name for entry in directory.iterdir() if entry.is_dir())
    return sorted((name for name in numbers if name.isascii() and name.isdigit()), key=int)


def next_version(directory: str | Path) -> str:
    """The version after the latest in `checkpoints/<name>`: "1" where there is none."""
    return str(max((int(version) for version in versions(directory)), default=0) + 1)


def save_checkpoint(
    path: str | Path, checkpoint: Checkpoint, extra: Mapping[str, bytes] | None = None
) -> None:
    """Write a checkpoint directory, whole or not at all.

    Everything is written and flushed to a directory beside `path` that is then renamed to it:
    whatever ends the process on the way, `path` and all other versions are left as they were.

    Args:
        path: The directory to make; a new version has a new one.
        checkpoint: What to write.
        extra: Further files by name, such as pictures; they are not read back.

    Raises:
        CheckpointError: `path` exists already, or cannot be written.
    """
    path = Path(path)
    if path.exists():
        raise CheckpointError(f"{path} exists already: a checkpoint is saved to a new directory")
    files = dict(extra or {})
    files |= {MODEL: save_tensors(_tensors(checkpoint.density))}
    files |= {
        SCHEMA: to_json_bytes(checkpoint.schema.to_json()),
        METRICS: to_json_bytes(checkpoint.metrics),
    }
    config = _config(checkpoint.density)
    config["digests"] = {name: digest_of(files[name]) for name in (MODEL, SCHEMA, METRICS)}
    config["digest"] = digest_of(to_json_bytes(config))
    files |= {CONFIG: to_json_bytes(config), CARD: checkpoint.card.encode()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            for name, content in files.items():
                with (beside / name).open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            beside.chmod(0o755)
            beside.rename(path)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error.strerror or error}") from error


@dataclass(frozen=True)
class Description:
    """What a checkpoint directory says of its density, which is not built.

    Attributes:
        schema: The columns.
        metrics: Where, on what and how well it was trained; JSON values.
        card: The model card, Markdown.
        reference: Reference rows, encoded, shape `(rows, variables)`; none where it has none.
        size_bytes: Of the weights.
    """

    schema: Schema
    metrics: Mapping[str, Any]
    card: str
    reference: npt.NDArray[np.float64]
    size_bytes: int


def load_checkpoint(path: str | Path, device: str | torch.device = "cpu") -> Checkpoint:
    """Read a checkpoint directory, every file checked against its digest.

    Args:
        path: The directory.
        device: Where the weights go.

    Raises:
        CheckpointError: The directory or a file is missing, broken, truncated, tampered with, or
            of a format that this version does not read. The message names the path.
    """
    path = Path(path)
    with explained(path):
        files = CheckpointFiles.read(path)
        tensors = load_tensors(files.model)
        density = _density(
            files.config, tensors, Layout(files.schema.columns), torch.device(device)
        )
        return Checkpoint(files.schema, density, files.metrics, files.card)


def read_description(path: str | Path) -> Description:
    """Read what a checkpoint says of itself, every file checked as `load_checkpoint` does.

    The network is not built: that takes a fraction of the memory and the time.

    Raises:
        CheckpointError: As for `load_checkpoint`.
    """
    path = Path(path)
    with explained(path):
        files = CheckpointFiles.read(path)
        with safetensors.safe_open(path / MODEL, framework="numpy") as tensors:
            named = "reference" in tensors.keys()  # noqa: SIM118 - not a mapping
            rows = tensors.get_tensor("reference") if named else np.empty((0, 0))
        return Description(
            files.schema,
            files.metrics,
            files.card,
            rows.astype(np.float64),
            len(files.model),
        )


def _config(density: Density) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "members": [
            {
                "name": member.name,
                "network": member.network.config.to_json(),
                "masks": len(member.masks),
                "any_order": member.any_order,
            }
            for member in density.members
        ],
    }


def _tensors(density: Density) -> dict[str, Tensor]:
    tensors = {"log_weights": torch.as_tensor(density.log_weights)}
    if density.reference is not None:
        tensors["reference"] = torch.as_tensor(density.reference.values, dtype=torch.float32)
    for index, member in enumerate(density.members):
        for name, tensor in member.network.state_dict().items():
            tensors[f"members.{index}.{name}"] = tensor.cpu().contiguous()
        positions = np.stack([mask.positions for mask in member.masks])
        tensors[f"masks.{index}.positions"] = torch.as_tensor(positions, dtype=torch.int32)
        for layer in range(len(member.network.config.hidden)):
            degrees = np.stack([mask.degrees[layer] for mask in member.masks])
            tensors[f"masks.{index}.degrees.{layer}"] = torch.as_tensor(degrees, dtype=torch.int32)
    return tensors


def _density(
    config: Mapping[str, Any], tensors: dict[str, Tensor], layout: Layout, device: torch.device
) -> Density:
    layout = layout.to(device)
    members = []
    for index, settings in enumerate(config["members"]):
        prefix = f"members.{index}."
        network = MADE(NetworkConfig.from_json(settings["network"]), layout)
        weights = {
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }
        network.load_state_dict(weights)
        network.to(device).eval().requires_grad_(False)
        positions = tensors[f"masks.{index}.positions"].long().numpy()
        layers = range(len(network.config.hidden))
        degrees = [tensors[f"masks.{index}.degrees.{layer}"].long().numpy() for layer in layers]
        masks = tuple(
            Mask(positions[k], tuple(layer[k] for layer in degrees))
            for k in range(settings["masks"])
        )
        members.append(Member(settings["name"], network, masks, settings["any_order"]))
    reference = None
    if "reference" in tensors:
        reference = Reference(tensors["reference"].double().numpy())
    return Density(members, layout, tensors["log_weights"].numpy(), reference)

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

import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from madeira.models.checkpoint_config import StoredMember, check_metrics, members_of
from madeira.models.checkpoint_files import (
    CARD,
    CONFIG,
    FORMAT_VERSION,
    METRICS,
    MODEL,
    SCHEMA,
    CheckpointFiles,
    digest_of,
    explained,
)
from madeira.models.checkpoint_json import parse_object, to_json_bytes
from madeira.models.checkpoint_saving import MAX_ENTRIES, moved, unfinished
from madeira.models.checkpoint_tensors import (
    LOG_WEIGHTS,
    REFERENCE,
    Header,
    check_finite,
    check_log_weights,
    check_reference,
    masks_of,
)
from madeira.models.columns.layout import Layout
from madeira.models.columns.schema import Schema
from madeira.models.errors import CheckpointError, SchemaError
from madeira.models.inference.calibration import Reference
from madeira.models.inference.density import Density
from madeira.models.inference.member import Member
from madeira.models.made.network import MADE

__all__ = [
    "MAX_ENTRIES",
    "Checkpoint",
    "Description",
    "load_checkpoint",
    "next_version",
    "read_description",
    "save_checkpoint",
    "save_version",
    "versions",
]

_TAKEN = "it exists already: a checkpoint is saved to a new directory"
_VERSION = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


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
    """Versions of the model in `checkpoints/<name>`, oldest first; other entries are ignored.

    A version is a directory whose name is a whole number of at most nine digits, without leading
    zeros. Of more than `MAX_ENTRIES` entries the rest is not looked at.
    """
    try:
        with os.scandir(directory) as entries:
            some = islice(entries, MAX_ENTRIES)
            found = [one.name for one in some if _VERSION.fullmatch(one.name) and one.is_dir()]
    except OSError:
        return []
    return sorted(found, key=int)


def next_version(*directories: str | Path) -> str:
    """The version after the latest in any `checkpoints/<name>`: "1" where there is none."""
    found = [int(version) for directory in directories for version in versions(directory)]
    return str(max(found, default=0) + 1)


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
        raise CheckpointError(_TAKEN, path)
    files = _contents(checkpoint, extra or {})
    try:
        with unfinished(path.parent, files) as beside:
            if not moved(beside, path):
                raise CheckpointError(_TAKEN, path)
    except OSError as error:
        raise _unwritable(path, error) from error


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
        raise _unwritable(directory, error) from error
    return directory / str(number)


def _unwritable(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"it cannot be written: {error.strerror or error}", path)


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
        members, schema = _checked(files)
        with files.weights() as (file, size):
            _header(files, file, size, members, schema)
            file.seek(0)
            content = file.read(size)
        files.check_weights(io.BytesIO(content))  # again: it may have been written to
        density = _density(
            members, load_tensors(content), Layout(schema.columns), torch.device(device)
        )
        return Checkpoint(schema, density, files.metrics, files.card)


def read_description(path: str | Path) -> Description:
    """Read what a checkpoint says of itself, every file checked as `load_checkpoint` does.

    The network is not built: that takes a fraction of the memory and the time.

    Raises:
        CheckpointError: As for `load_checkpoint`.
    """
    path = Path(path)
    with explained(path):
        files = CheckpointFiles.read(path)
        members, schema = _checked(files)
        with files.weights() as (file, size):
            reference = _header(files, file, size, members, schema).reference(file)
        if len(reference):
            check_reference(reference, schema.columns)
        return Description(schema, files.metrics, files.card, reference, size)


def _checked(files: CheckpointFiles) -> tuple[Sequence[StoredMember], Schema]:
    """The members and the columns that a checkpoint describes; its figures are checked too."""
    members = members_of(files.config)
    try:
        schema = Schema.from_json(files.schema)
    except SchemaError as error:
        raise CheckpointError(f"{SCHEMA}: {error}") from error
    if not schema.columns:
        raise CheckpointError(f"{SCHEMA} has no column")
    check_metrics(files.metrics)
    return members, schema


def _header(
    files: CheckpointFiles,
    file: BinaryIO,
    size: int,
    members: Sequence[StoredMember],
    schema: Schema,
) -> Header:
    """The header of the file of weights, checked before memory is taken for what it describes."""
    files.check_weights(file)
    file.seek(0)
    header = Header.read(file, size)
    header.check(members, schema.columns)
    return header


def _contents(checkpoint: Checkpoint, extra: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of a checkpoint by name; what would be refused when it is read is not written.

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
    tensors = {LOG_WEIGHTS: torch.as_tensor(density.log_weights)}
    if density.reference is not None:
        tensors[REFERENCE] = torch.as_tensor(density.reference.values, dtype=torch.float32)
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
    stored: Sequence[StoredMember],
    tensors: dict[str, Tensor],
    layout: Layout,
    device: torch.device,
) -> Density:
    """Builds what the arrays hold, each of the shape that is expected, and checks their numbers."""
    check_finite(tensors)
    log_weights = tensors[LOG_WEIGHTS].numpy()
    check_log_weights(log_weights)
    layout = layout.to(device)
    members = []
    for index, member in enumerate(stored):
        prefix = f"members.{index}."
        network = MADE(member.network, layout)
        weights = {
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }
        network.load_state_dict(weights)
        network.to(device).eval().requires_grad_(False)
        masks = masks_of(tensors, index, member, layout.variables)
        members.append(Member(member.name, network, masks, member.any_order))
    reference = None
    if REFERENCE in tensors:
        rows = tensors[REFERENCE].double().numpy()
        check_reference(rows, layout.columns)
        reference = Reference(rows)
    return Density(members, layout, log_weights, reference)

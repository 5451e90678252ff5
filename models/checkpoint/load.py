"""Read a checkpoint directory: the whole of it, or its description."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors.torch import load as load_tensors
from torch import Tensor

from madeira.models.checkpoint.config import StoredMember, check_metrics, members_of
from madeira.models.checkpoint.files import SCHEMA, CheckpointFiles, explained
from madeira.models.checkpoint.tensors import (
    JOINT_CALIBRATION,
    LOG_WEIGHTS,
    Header,
    calibration_of,
    check_finite,
    check_log_weights,
    masks_of,
)
from madeira.models.columns.layout import Layout
from madeira.models.errors import CheckpointError, SchemaError
from madeira.models.inference.density import Density
from madeira.models.inference.member import Member
from madeira.models.inference.null_pattern import joint_of
from madeira.models.made.network import MADE
from madeira.models.made.restricted import restricted
from madeira.models.schema.schema import Schema

__all__ = ["Checkpoint", "Description", "load_checkpoint", "read_description"]


@dataclass(frozen=True)
class Checkpoint:
    """Content of a checkpoint directory.

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


@dataclass(frozen=True)
class Description:
    """Description of a density, read from its checkpoint without building it.

    Attributes:
        schema: The columns.
        metrics: Where, on what and how well it was trained; JSON values.
        card: The model card, Markdown.
        size_bytes: Of the weights.
    """

    schema: Schema
    metrics: Mapping[str, Any]
    card: str
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
            _check_header(files, file, size, members, schema)
            file.seek(0)
            content = file.read(size)
        files.check_weights(io.BytesIO(content))  # again: it may have been written to
        density = _density(members, load_tensors(content), schema, torch.device(device))
        return Checkpoint(schema, density, files.metrics, files.card)


def read_description(path: str | Path) -> Description:
    """Read the description of a checkpoint, every file checked as `load_checkpoint` does.

    The network is not built: that takes a fraction of the memory and the time.

    Raises:
        CheckpointError: As for `load_checkpoint`.
    """
    path = Path(path)
    with explained(path):
        files = CheckpointFiles.read(path)
        members, schema = _checked(files)
        with files.weights() as (file, size):
            _check_header(files, file, size, members, schema)
        return Description(schema, files.metrics, files.card, size)


def _checked(files: CheckpointFiles) -> tuple[Sequence[StoredMember], Schema]:
    """Return the members and the columns that a checkpoint describes; its figures are checked too.

    Raises:
        CheckpointError: The description is incomplete or contradicts itself.
    """
    members = members_of(files.config)
    try:
        schema = Schema.from_json(files.schema)
    except SchemaError as error:
        raise CheckpointError(f"{SCHEMA}: {error}") from error
    if not schema.columns:
        raise CheckpointError(f"{SCHEMA} has no column")
    check_metrics(files.metrics)
    return members, schema


def _check_header(
    files: CheckpointFiles,
    file: BinaryIO,
    size: int,
    members: Sequence[StoredMember],
    schema: Schema,
) -> None:
    """Check the header of the file of weights, before memory is taken for its arrays."""
    files.check_weights(file)
    file.seek(0)
    Header.read(file, size).check(members, schema.columns, schema.derived)


def _density(
    stored: Sequence[StoredMember],
    tensors: dict[str, Tensor],
    schema: Schema,
    device: torch.device,
) -> Density:
    """Build what the arrays hold, each of the shape that is expected, and check their numbers.

    Raises:
        CheckpointError: A number is not one that there can be, or no network answers for nulls
            that the schema names.
    """
    check_finite(tensors)
    log_weights = tensors[LOG_WEIGHTS].numpy()
    check_log_weights(log_weights)
    layout, joint_layout = Layout(schema.columns).to(device), None
    if schema.derived:
        joint_layout = Layout(schema.variables).to(device)
    members, joint_networks = [], {}
    for index, member in enumerate(stored):
        prefix = f"members.{index}."
        joint = joint_layout if member.any_order else None
        network = MADE(member.network, joint or layout)
        weights = {
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }
        network.load_state_dict(weights)
        network.to(device).eval().requires_grad_(False)
        if joint is not None:
            joint_networks[member.name] = network
            network = restricted(network, layout)
        masks = masks_of(tensors, index, member, layout.variables)
        members.append(Member(member.name, network, masks, member.any_order))
    density = Density(members, layout, log_weights, calibration_of(tensors))
    if joint_layout is None:
        return density
    if not joint_networks:
        raise CheckpointError(f"{SCHEMA} has null indicators, which no network can answer")
    calibration = calibration_of(tensors, JOINT_CALIBRATION)
    return density.beside(joint_of(density, joint_networks, calibration))

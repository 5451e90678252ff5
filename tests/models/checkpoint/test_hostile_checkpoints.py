"""Whatever a checkpoint holds, it is refused in one short sentence or gives finite numbers."""

import json
import random
import shutil
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from madeira.models import CheckpointError, DensityEstimator
from madeira.models.checkpoint import load_checkpoint, read_description
from madeira.models.checkpoint.files import CONFIG, METRICS, MODEL, SCHEMA
from madeira.models.errors import MAX_REASON, ModelsError
from tests.models.mutations import HARMLESS, MUTATIONS, sign

COMPUTES_NOT = {
    "weights of 1e38",
    "biases of 3e38",
    "a scale of 1e-320",
    "a scale of 1e308",
    "a shift of 1e308",
    "a minimum of -1e308",
    "a resolution of 1e-300",
    "a resolution of 1e300",
    "an origin of 1e300",
    "a transform of width 1e-300",
    "counts of 70 bits",
    "fixed order said to be any-order",
}
"""Kinds that reading cannot tell from a good one; the worker's trial decides about them."""


@pytest.fixture
def copy(small_checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_checkpoint, tmp_path / "1"))


def assert_one_sentence(error: CheckpointError, path: Path) -> None:
    """Check that a reason names no path of this machine, and is one short line."""
    assert error.reason.isprintable()
    assert 0 < len(error.reason) <= MAX_REASON
    assert str(path.parent) not in error.reason
    assert str(error) == f"{path}: {error.reason}"


@pytest.mark.parametrize("kind", MUTATIONS)
def test_a_broken_checkpoint_is_refused_in_one_sentence(copy: Path, kind: str) -> None:
    MUTATIONS[kind](copy)
    for read in (read_description, load_checkpoint):
        try:
            read(copy)
        except CheckpointError as error:
            assert_one_sentence(error, copy)
        else:
            # What describes itself does not read the weights: a worker loads and tries them.
            assert read is read_description or kind in COMPUTES_NOT


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_no_harm_is_read(copy: Path, small_checkpoint: Path, kind: str) -> None:
    HARMLESS[kind](copy)
    found, expected = (DensityEstimator.load(path) for path in (copy, small_checkpoint))
    rows = expected.sample(5, seed=1)
    assert np.array_equal(found.log_prob(rows), expected.log_prob(rows))
    assert "Under no digest" not in found.card


def test_what_the_sentence_says(copy: Path) -> None:
    said = {
        "no members": "config.json: members: expected a list of 1 to 256 members, got 0",
        "positions of 0": "each row must be a permutation of 1 to 6",
        "degrees beyond the last": "masks.0.degrees.1: degrees must be in 1 to 5",
        "quantiles that fall": "calibration: expected numbers that rise, from above 0",
        "a whole number of 65 bits": "metrics.json holds a whole number of more than 64 bits",
        "half of a surrogate pair": "metrics.json holds half of a surrogate pair: \\ud800",
        "a pipe for schema.json": "schema.json is not a regular file",
        "a link to the passwords for README.md": "README.md is a link that leaves the checkpoint",
        "a card that was changed": "README.md does not have the digest it was written with",
        "width 8,000": "members.0.conditioning_weight: expected F32 of shape [8000, 6], got",
    }
    for kind, words in said.items():
        shutil.rmtree(copy.parent / "2", ignore_errors=True)
        shutil.copytree(copy, copy.parent / "2")
        MUTATIONS[kind](copy.parent / "2")
        with pytest.raises(CheckpointError) as raised:
            load_checkpoint(copy.parent / "2")
        assert words in raised.value.reason, kind


@pytest.mark.parametrize("kind", ["width 8,000", "logistics 10**9", "groups of 10**12"])
def test_a_size_is_refused_before_memory_is_taken_for_it(copy: Path, kind: str) -> None:
    MUTATIONS[kind](copy)
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            load_checkpoint(copy)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def flip(content: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(1, 3)):
        content[draw.randrange(len(content))] = draw.randrange(256)


def cut(content: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(content))
    del content[start : start + draw.randint(1, 40)]


def double(content: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(content))
    content[start:start] = content[start : start + draw.randint(1, 40)]


def enlarge(content: bytearray, draw: random.Random) -> None:
    """Put another number in the place of a digit."""
    digits = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    place = draw.choice(digits)
    content[place : place + 1] = draw.choice([b"-1", b"1e308", b"9" * 30, b"null", b"0", b"-0.5"])


HARMS: list[Callable[[bytearray, random.Random], None]] = [flip, cut, double, enlarge]


def test_random_changes_are_refused_or_do_no_harm(copy: Path) -> None:
    draw = random.Random(14)
    names = (CONFIG, SCHEMA, METRICS, MODEL)
    good = {name: (copy / name).read_bytes() for name in names}
    refused = 0
    for _ in range(300):
        name = draw.choice(names)
        content = bytearray(good[name])
        if name == MODEL:  # its header
            length = struct.unpack("<Q", content[:8])[0]
            header = content[8 : 8 + length]
            draw.choice(HARMS)(header, draw)
            content = bytearray(struct.pack("<Q", len(header))) + header + content[8 + length :]
        else:
            draw.choice(HARMS)(content, draw)
        (copy / name).write_bytes(content)
        try:
            if name == CONFIG:
                json.loads(content)
            sign(copy)
        except (ValueError, AttributeError, TypeError):
            pass  # the configuration is no longer one that could be signed
        try:
            loaded = DensityEstimator.load(copy)
            read_description(copy)
        except CheckpointError as error:
            assert_one_sentence(error, copy)
            refused += 1
        else:
            assert (loaded.density.calibration.quantiles > 0).all()
        for one, content_before in good.items():
            (copy / one).write_bytes(content_before)
    assert 100 < refused < 300
    DensityEstimator.load(copy)


def test_what_is_read_answers_with_finite_numbers_or_says_that_it_cannot(copy: Path) -> None:
    for kind in sorted(COMPUTES_NOT):
        shutil.rmtree(copy.parent / "2", ignore_errors=True)
        shutil.copytree(copy, copy.parent / "2")
        MUTATIONS[kind](copy.parent / "2")
        try:
            density = DensityEstimator.load(copy.parent / "2").density
            good = DensityEstimator.load(copy)
            rows = good.schema.encode(good.sample(20, seed=0))
            assert np.isfinite(density.score(rows)).all(), kind
        except ModelsError:
            continue

"""Hostile and broken checkpoints: a good one, changed in one place, its digests made to match."""

import json
import os
import shutil
import socket
import struct
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from madeira.models.checkpoint.files import CONFIG, METRICS, MODEL, SCHEMA, digest_of
from madeira.models.checkpoint.json_text import to_json_bytes

__all__ = ["HARMLESS", "MUTATIONS", "Mutate", "sign", "write_json", "write_tensors"]

Mutate = Callable[[Path], object]
Place = tuple[str | int, ...]
Arrays = dict[str, npt.NDArray[Any]]


def sign(path: Path) -> None:
    """Make the digests of a checkpoint those of its files as they are."""
    config = json.loads((path / CONFIG).read_bytes())
    config.pop("digest", None)
    digests = config.get("digests")
    if isinstance(digests, dict):
        for name in digests:
            if name == os.path.basename(name) and (path / name).is_file():
                digests[name] = digest_of((path / name).read_bytes())
    config["digest"] = digest_of(to_json_bytes(config))
    (path / CONFIG).write_bytes(to_json_bytes(config))


def write_json(path: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file of a checkpoint, and sign it."""
    content = json.loads((path / name).read_bytes())
    change(content)
    (path / name).write_bytes(json.dumps(content).encode())
    sign(path)


def write_tensors(path: Path, change: Callable[[Arrays], object]) -> None:
    """Change the arrays of a checkpoint, and sign it."""
    tensors = {name: array.copy() for name, array in load((path / MODEL).read_bytes()).items()}
    change(tensors)
    (path / MODEL).write_bytes(save({n: np.ascontiguousarray(a) for n, a in tensors.items()}))
    sign(path)


def _raw(name: str, content: bytes, path: Path) -> None:
    (path / name).write_bytes(content)
    sign(path)


def _within(content: object, where: Place) -> Any:  # noqa: ANN401 - whatever the file has there
    """Return the list or object that holds what a place names."""
    for key in where[:-1]:
        content = content[key]  # type: ignore[index]
    return content


def _set(name: str, where: Place, value: object, path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        _within(content, where)[where[-1]] = value

    write_json(path, name, change)


def _drop(name: str, where: Place, path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        del _within(content, where)[where[-1]]

    write_json(path, name, change)


def _text(name: str, old: str, new: str, path: Path) -> None:
    """Replace text, for what a writer of JSON would not write."""
    content = (path / name).read_text()
    assert old in content
    (path / name).write_text(content.replace(old, new, 1))
    sign(path)


def _array(name: str, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]], path: Path) -> None:
    write_tensors(path, lambda tensors: tensors.update({name: change(tensors[name])}))


def _filled(value: float, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.full_like(array, value)


def _first(value: float, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.reshape(-1)[0] = value
    return array


def _header(change: Callable[[dict[str, Any]], object], path: Path) -> None:
    content = (path / MODEL).read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    change(header)
    written = json.dumps(header).encode()
    _raw(MODEL, struct.pack("<Q", len(written)) + written + content[8 + length :], path)


def _instead(name: str, make: Callable[[Path], object], path: Path) -> None:
    (path / name).unlink()
    make(path / name)


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(size: int, path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _link_out(name: str, path: Path) -> None:
    outside = path.parent / "outside"
    shutil.copy(path / name, outside)
    (path / name).unlink()
    (path / name).symlink_to(outside)


def _nested(depth: int) -> bytes:
    return b'{"a": ' * depth + b"1" + b"}" * depth


_MEMBER = ("members", 0)
_NETWORK = (*_MEMBER, "network")
_WRONG: tuple[object, ...] = (None, -1, 0, 1.5, "1", [], {}, True, 10**6, 2**64)

_CONFIGS: Mapping[str, Mutate] = {
    "no members": partial(_set, CONFIG, ("members",), []),
    "members null": partial(_set, CONFIG, ("members",), None),
    "a member that is text": partial(_set, CONFIG, _MEMBER, "any"),
    "a thousand members": partial(_set, CONFIG, ("members",), [{}] * 1000),
    "members missing": partial(_drop, CONFIG, ("members",)),
    "a name of a megabyte": partial(_set, CONFIG, (*_MEMBER, "name"), "n" * 900_000),
    **{f"masks {value!r}": partial(_set, CONFIG, (*_MEMBER, "masks"), value) for value in _WRONG},
    "any_order as text": partial(_set, CONFIG, (*_MEMBER, "any_order"), "yes"),
    "fixed order said to be any-order": partial(_set, CONFIG, ("members", 1, "any_order"), True),
    "network null": partial(_set, CONFIG, _NETWORK, None),
    "network without a field": partial(_drop, CONFIG, (*_NETWORK, "residual")),
    "network with a field more": partial(_set, CONFIG, (*_NETWORK, "depth"), 2),
    "hidden null": partial(_set, CONFIG, (*_NETWORK, "hidden"), None),
    "hidden empty": partial(_set, CONFIG, (*_NETWORK, "hidden"), []),
    "width 8,000": partial(_set, CONFIG, (*_NETWORK, "hidden"), [8000, 8000]),
    "width 10**12": partial(_set, CONFIG, (*_NETWORK, "hidden"), [10**12, 10**12]),
    "width 0": partial(_set, CONFIG, (*_NETWORK, "hidden"), [0, 0]),
    "width -8": partial(_set, CONFIG, (*_NETWORK, "hidden"), [-8, -8]),
    "width true": partial(_set, CONFIG, (*_NETWORK, "hidden"), [True, True]),
    "a thousand layers": partial(_set, CONFIG, (*_NETWORK, "hidden"), [8] * 1000),
    "activation of no name": partial(_set, CONFIG, (*_NETWORK, "activation"), "exec"),
    "activation a list": partial(_set, CONFIG, (*_NETWORK, "activation"), ["relu"]),
    "residual 1": partial(_set, CONFIG, (*_NETWORK, "residual"), 1),
    "no direct weights": partial(_set, CONFIG, (*_NETWORK, "direct"), False),
    "no conditioning": partial(_set, CONFIG, (*_NETWORK, "conditioning"), False),
    "format version of text": partial(_set, CONFIG, ("format_version",), "1" * 500_000),
    "digests null": partial(_set, CONFIG, ("digests",), None),
    "digests without weights": partial(_drop, CONFIG, ("digests", MODEL)),
    "a digest that is a number": partial(_set, CONFIG, ("digests", "gone.png"), 1),
    "a digest of a file elsewhere": partial(
        _set, CONFIG, ("digests", "../1/config.json"), digest_of(b"")
    ),
    "a digest of an absolute path": partial(_set, CONFIG, ("digests", "/etc/passwd"), ""),
    "a digest of a file with a line break": partial(
        _set, CONFIG, ("digests", "a\nERROR: forged"), digest_of(b"")
    ),
    "a digest of a missing file": partial(_set, CONFIG, ("digests", "gone.png"), digest_of(b"")),
    "digests of a thousand files": partial(
        _set, CONFIG, ("digests",), {str(number): "" for number in range(1000)}
    ),
    "config nested 100,000 deep": partial(
        _instead, CONFIG, lambda p: p.write_bytes(_nested(10**5))
    ),
    "config of 2 MB": partial(_instead, CONFIG, lambda p: p.write_bytes(b" " * 2**21)),
    "config a list": partial(_instead, CONFIG, lambda p: p.write_bytes(b"[1]")),
    "config empty": partial(_instead, CONFIG, lambda p: p.write_bytes(b"")),
    "config not UTF-8": partial(_instead, CONFIG, lambda p: p.write_bytes(b'{"a": "\xff"}')),
}

_METRICS: Mapping[str, Mutate] = {
    "a whole number of 65 bits": partial(_set, METRICS, ("train_rows",), 2**65),
    "another whole number of 65 bits": partial(_set, METRICS, ("seed",), -(2**65)),
    "a whole number of 5,000 digits": partial(_text, METRICS, '"seed": 1', f'"seed": {"1" * 5000}'),
    "half of a surrogate pair": partial(_text, METRICS, '"seed": 1', r'"seed": "\ud800"'),
    "half of a surrogate pair in a key": partial(_text, METRICS, '"seed"', r'"\udfff"'),
    "NaN": partial(_text, METRICS, '"seed": 1', '"seed": NaN'),
    "Infinity": partial(_text, METRICS, '"seed": 1', '"seed": -Infinity'),
    "1e999": partial(_text, METRICS, '"seed": 1', '"seed": 1e999'),
    "rows as text": partial(_set, METRICS, ("train_rows",), "x" * 100_000),
    "rows missing": partial(_drop, METRICS, ("train_rows",)),
    "nats null": partial(_set, METRICS, ("valid_nats",), None),
    "time a list": partial(_set, METRICS, ("trained_at",), [1]),
    "time of a megabyte": partial(_set, METRICS, ("trained_at",), "2" * 2**20),
    "preset an object": partial(_set, METRICS, ("preset",), {"a": 1}),
    "metrics nested 300 deep": partial(_set, METRICS, ("more",), json.loads(_nested(300))),
    "metrics nested 100,000 deep": partial(_raw, METRICS, _nested(10**5)),
    "metrics a number": partial(_raw, METRICS, b"1"),
    "metrics of 17 MB": partial(_raw, METRICS, b'{"a": "' + b"a" * (17 * 2**20) + b'"}'),
}


def _column(place: int, field: str, value: object) -> Mutate:
    return partial(_set, SCHEMA, ("columns", place, field), value)


_SCHEMAS: Mapping[str, Mutate] = {
    "no columns": partial(_set, SCHEMA, ("columns",), []),
    "columns null": partial(_set, SCHEMA, ("columns",), None),
    "a column less": partial(_drop, SCHEMA, ("columns", 0)),
    "a kind of no name": _column(0, "kind", "pickle"),
    "a kind of 448,768 characters": _column(0, "kind", "k" * 448_768),
    "a kind with a line break": _column(0, "kind", "a\nERROR: forged"),
    "a type of no name": _column(0, "arrow_type", "object"),
    "a column twice": lambda path: write_json(
        path, SCHEMA, lambda schema: schema["columns"].append(schema["columns"][0])
    ),
    "three values of a flag": _column(0, "values", [0, 1, 2]),
    "equal values of a flag": _column(0, "values", [True, True]),
    "one category more": _column(1, "categories", ["p", "q", "r", "s"]),
    "equal categories": _column(1, "categories", ["p", "p", "p"]),
    "categories that are numbers": _column(1, "categories", [1, 2, 3]),
    "unseen mass 2": _column(1, "unseen_mass", 2),
    "groups of 10**12": _column(2, "group_size", 10**12),
    "groups of 1": _column(2, "group_size", 1),
    "counts too few": _column(2, "counts", [1]),
    "counts of 70 bits": _column(2, "counts", [2**62] * 7),
    "coordinates of 2**40": _column(2, "coordinates", [[2**40]] * 7),
    "coordinates of several lengths": _column(2, "coordinates", [[1], [1, 2]] * 3),
    "logistics 10**9": _column(3, "components", 10**9),
    "logistics 0": _column(3, "components", 0),
    "a scale of 0": _column(3, "scale", 0),
    "a scale of 1e-320": _column(3, "scale", 1e-320),
    "a scale of 1e308": _column(3, "scale", 1e308),
    "a shift of 1e308": _column(3, "shift", 1e308),
    "ends the other way round": _column(3, "minimum", 1e9),
    "a minimum of -1e308": _column(3, "minimum", -1e308),
    "a resolution of 1e-300": _column(4, "resolution", 1e-300),
    "a resolution of 1e300": _column(4, "resolution", 1e300),
    "an origin of 1e300": _column(4, "origin", 1e300),
    "a transform of width 0": partial(_set, SCHEMA, ("columns", 4, "transform", "width"), 0),
    "a transform of width 1e-300": partial(
        _set, SCHEMA, ("columns", 4, "transform", "width"), 1e-300
    ),
    "a transform that ends before it begins": partial(
        _set, SCHEMA, ("columns", 4, "transform", "low"), 1e300
    ),
    "an atom more": _column(4, "atoms", [1, 2, 3]),
    "an instant as a number": _column(5, "minimum", 5),
    "an instant beyond year 9999": _column(5, "maximum", "12024-01-01"),
    "a surrogate in a name": _column(0, "name", "\ud800"),
    "schema nested 100,000 deep": partial(_raw, SCHEMA, _nested(10**5)),
}

_WEIGHT = "members.0.hidden_weights.0"
_POSITIONS, _DEGREES = "masks.0.positions", "masks.0.degrees.1"

_ARRAYS: Mapping[str, Mutate] = {
    **{
        f"{name} of {value}": partial(_array, name, partial(_first, value))
        for name in (_WEIGHT, "members.1.output_bias", "log_weights", "calibration")
        for value in (np.nan, np.inf, -np.inf)
    },
    "weights of 1e38": partial(_array, _WEIGHT, partial(_filled, 1e38)),
    "biases of 3e38": partial(_array, "members.0.output_bias", partial(_filled, 3e38)),
    "mixture weights of 7": partial(_array, "log_weights", partial(_filled, 7.0)),
    "mixture weights of 1e308": partial(_array, "log_weights", partial(_filled, 1e308)),
    "one mixture weight more": partial(_array, "log_weights", lambda a: np.append(a, a[0])),
    "mixture weights in float32": partial(_array, "log_weights", lambda a: a.astype(np.float32)),
    "positions of 0": partial(_array, _POSITIONS, partial(_filled, 0)),
    "positions of -1": partial(_array, _POSITIONS, partial(_first, -1)),
    "positions beyond the last": partial(_array, _POSITIONS, partial(_first, 2**31 - 1)),
    "positions twice": partial(_array, _POSITIONS, partial(_filled, 1)),
    "positions in float32": partial(_array, _POSITIONS, lambda a: a.astype(np.float32)),
    "positions of fewer variables": partial(_array, _POSITIONS, lambda a: a[:, 1:]),
    "positions of one mask": partial(_array, _POSITIONS, lambda a: a[:1]),
    "degrees of 0": partial(_array, _DEGREES, partial(_filled, 0)),
    "degrees of -1": partial(_array, _DEGREES, partial(_first, -1)),
    "degrees beyond the last": partial(_array, _DEGREES, partial(_filled, 99)),
    "degrees that differ in residual layers": partial(
        _array, _DEGREES, lambda a: np.ascontiguousarray(a[:, ::-1])
    ),
    "degrees in int64": partial(_array, _DEGREES, lambda a: a.astype(np.int64)),
    "weights transposed": partial(_array, _WEIGHT, lambda a: a.T),
    "weights flat": partial(_array, _WEIGHT, lambda a: a.reshape(-1)),
    "weights in float64": partial(_array, _WEIGHT, lambda a: a.astype(np.float64)),
    "weights in float16": partial(_array, _WEIGHT, lambda a: a.astype(np.float16)),
    "weights missing": lambda path: write_tensors(path, lambda arrays: arrays.pop(_WEIGHT)),
    "an array more": lambda path: write_tensors(
        path, lambda arrays: arrays.update({"x" * 100_000: np.zeros(3)})
    ),
    "quantiles of two levels": partial(_array, "calibration", lambda a: a[:2]),
    "quantiles in float32": partial(_array, "calibration", lambda a: a.astype(np.float32)),
    "quantiles of -1": partial(_array, "calibration", partial(_filled, -1.0)),
    "quantiles that do not rise": partial(_array, "calibration", partial(_filled, 1.0)),
    "quantiles that fall": partial(_array, "calibration", lambda a: a[::-1]),
    "no reference row": lambda path: write_tensors(
        path, lambda arrays: arrays.update({"reference": np.zeros((0, 6), np.float32)})
    ),
    "reference rows in float64": lambda path: write_tensors(
        path, lambda arrays: arrays.update({"reference": np.zeros((2, 6))})
    ),
}

_HEADERS: Mapping[str, Mutate] = {
    "weights empty": partial(_raw, MODEL, b""),
    "weights of seven bytes": partial(_raw, MODEL, b"1234567"),
    "a header of 2**63 bytes": partial(_raw, MODEL, struct.pack("<Q", 2**63) + b"{}"),
    "a header that is no JSON": partial(_raw, MODEL, struct.pack("<Q", 2) + b"{["),
    "a header that is a list": partial(_raw, MODEL, struct.pack("<Q", 2) + b"[]"),
    "a header nested deep": partial(
        _raw, MODEL, struct.pack("<Q", len(_nested(10**5))) + _nested(10**5)
    ),
    "an entry that is null": partial(_header, lambda header: header.update({_WEIGHT: None})),
    "a shape of 2**62": partial(_header, lambda header: header[_WEIGHT].update(shape=[2**62, 4])),
    "a shape of -1": partial(_header, lambda header: header[_WEIGHT].update(shape=[-1, -1])),
    "offsets beyond the end": partial(
        _header, lambda header: header[_WEIGHT].update(data_offsets=[0, 2**40])
    ),
    "offsets below 0": partial(
        _header, lambda header: header[_WEIGHT].update(data_offsets=[-8, 8])
    ),
    "offsets on each other": partial(
        _header,
        lambda header: header["masks.0.degrees.0"].update(
            data_offsets=header["masks.0.degrees.1"]["data_offsets"]
        ),
    ),
    "weights with more behind": lambda path: _raw(MODEL, (path / MODEL).read_bytes() + b"x", path),
    "a pickle": partial(_raw, MODEL, b"\x80\x04cos\nmkdir\n."),
}

_INSTEAD: Mapping[str, Mutate] = {
    "a pipe": os.mkfifo,
    "a directory": os.mkdir,
    "a socket": _socket,
    "a link in a circle": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("/nowhere/at/all"),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to the passwords": lambda path: path.symlink_to("/etc/passwd"),
    "five sparse gigabytes": partial(_sparse, 5 * 2**30),
}

_FILES: Mapping[str, Mutate] = {
    **{
        f"{what} for {name}": partial(_instead, name, make)
        for name in (CONFIG, SCHEMA, METRICS, MODEL, "README.md")
        for what, make in _INSTEAD.items()
    },
    **{f"a link out for {name}": partial(_link_out, name) for name in (CONFIG, MODEL, "README.md")},
    "a card that was changed": lambda path: (path / "README.md").write_text("# Another"),
    "a card that is missing": lambda path: (path / "README.md").unlink(),
}


def _without_digest_of_card(path: Path) -> None:
    write_json(path, CONFIG, lambda config: config["digests"].pop("README.md"))
    (path / "README.md").write_text("# Under no digest")


def _link_within(path: Path) -> None:
    (path / "README.md").rename(path / "card.md")
    (path / "README.md").symlink_to("card.md")


HARMLESS: Mapping[str, Mutate] = {
    "nothing": lambda path: None,
    "a card under no digest": _without_digest_of_card,
    "a link within": _link_within,
    "reference rows, as older versions have them": lambda path: write_tensors(
        path, lambda arrays: arrays.update({"reference": np.zeros((5, 6), np.float32)})
    ),
    "no calibration, as older versions": lambda path: write_tensors(
        path, lambda arrays: arrays.pop("calibration")
    ),
}
"""What is no harm."""

MUTATIONS: Mapping[str, Mutate] = {
    **_CONFIGS,
    **_METRICS,
    **_SCHEMAS,
    **_ARRAYS,
    **_HEADERS,
    **_FILES,
}
"""What a checkpoint may be like that somebody else has made, by what is wrong with it."""

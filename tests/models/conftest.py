"""Small networks with weights that are anything but zero, on every device there is."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from madeira.models.columns.layout import Layout
from madeira.models.inference.density import Density
from madeira.models.inference.member import Member
from madeira.models.made import MADE, MaskConfig, MaskSource, NetworkConfig
from madeira.models.schema.schema import Schema
from tests.models.small import save_small

MakeLayout = Callable[[Sequence[str]], Layout]
MakeNetwork = Callable[..., MADE]


@pytest.fixture(
    params=[
        "cpu",
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.cuda,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
            ],
        ),
    ]
)
def device(request: pytest.FixtureRequest) -> torch.device:
    return torch.device(request.param)


@pytest.fixture
def make_layout(device: torch.device) -> MakeLayout:
    """Layouts of columns by kind.

    `b`inary, `c`ategorical (three values), `f`actorised (seven), `x` continuous, i`n`teger (with an
    atom), da`t`etime.
    """

    def make(kinds: Sequence[str]) -> Layout:
        columns = {
            "b": pa.array([True, False] * 6),
            "c": pa.array(["p", "q", "r"] * 4),
            "f": pa.array([*"abcdefg", *"eafba"]),
            "x": pa.array(np.linspace(-3.0, 5.0, 12)),
            "n": pa.array([0, 0, 0, 0, 0, 0, 3, 5, 9, 14, 2, 7]),
            "t": pa.array(np.linspace(0, 10**9, 12).astype("datetime64[s]")),
        }
        overrides = {
            "b": "binary",
            "c": "categorical",
            "f": "factorised",
            "x": "continuous",
            "n": "integer",
            "t": "datetime",
        }
        names = [f"{kind}{index}" for index, kind in enumerate(kinds)]
        table = pa.table({name: columns[name[0]] for name in names})
        schema = Schema.infer(table, {name: overrides[name[0]] for name in names})
        return Layout(schema.columns).to(device)

    return make


@pytest.fixture
def make_network() -> MakeNetwork:
    """Networks whose every weight is drawn from a normal distribution."""

    def make(
        layout: Layout,
        config: NetworkConfig | None = None,
        scale: float = 0.5,
        seed: int = 0,
    ) -> MADE:
        generator = torch.Generator().manual_seed(seed)
        network = MADE(config or NetworkConfig(hidden=(12, 12)), layout, generator)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.normal_(0, scale, generator=generator)
        return network.to(layout.device).eval()

    return make


@pytest.fixture
def make_density(make_network: MakeNetwork) -> Callable[..., Density]:
    """Mixtures of a random any-order network, and a random fixed-order one if asked."""

    def make(layout: Layout, fixed: bool = False, ensemble: int = 3, seed: int = 0) -> Density:
        config = NetworkConfig(hidden=(12, 12), residual=True)
        settings = [MaskConfig("sampled", "sampled", count=None, ensemble=ensemble)]
        if fixed:
            settings.append(MaskConfig("natural", "even", count=1))
        members = []
        for index, masks in enumerate(settings):
            source = MaskSource(config, masks, layout.variables, seed + index)
            network = make_network(layout, config, seed=seed + index)
            members.append(Member(f"m{index}", network, source.answering, masks.any_order))
        components = sum(len(member.masks) for member in members)
        weights = np.random.default_rng(seed).dirichlet(np.ones(components))
        return Density(members, layout, np.log(weights))

    return make


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a good checkpoint of a column of every kind, as small as can be: `small/1`."""
    path = tmp_path_factory.mktemp("small") / "small" / "1"
    save_small(path)
    return path

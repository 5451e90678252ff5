"""Methods that draw: Madeira, and the imputers of other projects in their own environment."""

import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.imputation.baselines import DRAWS
from benchmarks.imputation.measures import Filled, interval_of_draws
from benchmarks.imputation.tables import Complete
from madeira.models import DensityEstimator
from madeira.models.arrays import Float64
from madeira.models.inference import draw_noise, impute, noise_generator
from madeira.models.tables.filled import fill_nulls
from madeira.models.training.presets import Preset

__all__ = ["PEERS", "madeira", "peer"]


PEERS = ("miceforest", "hyperimpute")
PYTHON = Path(".bench/imputation/bin/python")
RUNNER = Path(__file__).parent.parent / "peers" / "imputation.py"


def madeira(preset: Preset, device: str) -> Callable[[pd.DataFrame, Complete, int], Filled]:
    """Madeira, trained on the incomplete table: means, modes, draws and exact intervals."""

    def fill(gappy: pd.DataFrame, table: Complete, seed: int) -> Filled:
        arrow = pa.Table.from_pandas(gappy, preserve_index=False)
        estimator = DensityEstimator(preset, seed=seed, device=device).fit(arrow)
        schema, density = estimator.schema, estimator.density
        values = schema.encode(arrow)

        def decode(codes: Float64) -> pd.DataFrame:
            filled = fill_nulls(arrow, schema.decode(codes)).to_pandas()
            return _typed(filled, gappy, table)

        noise = draw_noise(len(values) * DRAWS, density.noise_width, noise_generator(seed))
        noise = noise.reshape(len(values), DRAWS, -1)
        point = impute(density, values, noise, 1, "mean")
        draws = [decode(each) for each in impute(density, values, noise, DRAWS).draws]
        ends = [np.where(np.isnan(end), values, end) for end in (point.lower, point.upper)]
        return Filled(decode(point.draws[0]), draws[0], draws, *map(decode, ends))

    return fill


def peer(method: str) -> Callable[[pd.DataFrame, Complete, int], Filled]:
    """Return a method of `benchmarks/peers/imputation.py`, in its environment."""

    def fill(gappy: pd.DataFrame, table: Complete, seed: int) -> Filled:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            gappy.to_parquet(folder / "gappy.parquet", index=False)
            (folder / "categories.json").write_text(json.dumps(table.categories))
            inputs = [folder / "gappy.parquet", folder / "categories.json", seed, DRAWS, folder]
            command = [str(part) for part in (PYTHON, RUNNER, method, *inputs)]
            subprocess.run(command, check=True, capture_output=True, text=True)
            found = sorted(folder.glob("[0-9]*.parquet"))
            draws = [_typed(pd.read_parquet(path), gappy, table) for path in found]
        if len(draws) == 1:
            return Filled(draws[0], draws[0])
        point = draws[0].copy()
        for column in table.numbers:
            point[column] = np.mean([draw[column] for draw in draws], axis=0)
        for column in table.categories:
            votes = pd.concat([draw[column] for draw in draws], axis=1)
            point[column] = votes.mode(axis=1)[0]
        return Filled(point, draws[0], draws, *interval_of_draws(draws, table.numbers))

    return fill


def _typed(filled: pd.DataFrame, gappy: pd.DataFrame, table: Complete) -> pd.DataFrame:
    """Return the columns in order and typed; what was never missing, or is left out, as it was."""
    result = gappy.copy()
    for name in gappy:
        kind = "float64" if name in table.numbers else "str"
        result[name] = gappy[name].fillna(filled[name].astype(kind))
        if name in table.numbers:
            result[name] = result[name].astype(float)
    return result

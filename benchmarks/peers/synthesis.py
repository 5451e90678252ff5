"""Synthetic rows of a peer: run as a script by the Python of `.bench/synthesis`.

Text columns are categories, all others numbers. Every peer has the settings that it documents as
its defaults, and one seed.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

__all__ = ["PEERS", "main"]

Sampler = Callable[[int], pd.DataFrame]


def _sdv_synthesizer(name: str) -> Callable[[pd.DataFrame, int], Sampler]:
    def fit(train: pd.DataFrame, _: int) -> Sampler:  # it takes the seed of PyTorch and NumPy
        from sdv import single_table
        from sdv.metadata import Metadata

        # What a column holds is told, not guessed: those guessed to be personal, such as a state,
        # would be filled with made-up values.
        columns = {
            name: {"sdtype": "numerical" if pd.api.types.is_numeric_dtype(kind) else "categorical"}
            for name, kind in train.dtypes.items()
        }
        metadata = Metadata.load_from_dict({"tables": {"table": {"columns": columns}}})
        synthesizer = getattr(single_table, name)(metadata)
        synthesizer.fit({"table": train})

        def sample(rows: int) -> pd.DataFrame:
            return synthesizer.sample(num_rows=rows)["table"]

        return sample

    return fit


def _adversarial_forest(train: pd.DataFrame, seed: int) -> Sampler:
    vars(np)["in1d"] = np.isin  # arfpy calls it by the name that NumPy 2.4 has removed
    from arfpy import arf

    forest = arf.arf(x=train, verbose=False, random_state=seed)
    forest.forde()

    def sample(rows: int) -> pd.DataFrame:
        return forest.forge(rows)

    return sample


def _tabular_argn(value_protection: bool) -> Callable[[pd.DataFrame, int], Sampler]:
    def fit(train: pd.DataFrame, seed: int) -> Sampler:
        # Its language models, which are not used here, would load these two, and the wheels from
        # PyPI do not load beside a PyTorch for CPUs.
        sys.modules["torchvision"] = sys.modules["torchaudio"] = None  # type: ignore[assignment]
        from mostlyai.engine import TabularARGN

        model = TabularARGN(value_protection=value_protection, random_state=seed, device="cpu")
        model.fit(train)

        def sample(rows: int) -> pd.DataFrame:
            return model.sample(n_samples=rows)

        return sample

    return fit


PEERS: dict[str, Callable[[pd.DataFrame, int], Sampler]] = {
    "gaussian_copula": _sdv_synthesizer("GaussianCopulaSynthesizer"),
    "ctgan": _sdv_synthesizer("CTGANSynthesizer"),
    "tvae": _sdv_synthesizer("TVAESynthesizer"),
    "arfpy": _adversarial_forest,
    "mostlyai": _tabular_argn(value_protection=True),
    "mostlyai_unprotected": _tabular_argn(value_protection=False),
}


def processor_seconds() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def main() -> None:
    """Fit a peer to the rows of one file and write as many as asked for to another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("train", type=Path, help="parquet with the training rows")
    parser.add_argument("out", type=Path, help="parquet for the synthetic rows")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    np.random.seed(arguments.seed)
    train = pd.read_parquet(arguments.train)
    start = processor_seconds()
    sample = PEERS[arguments.peer](train, arguments.seed)
    fitted = processor_seconds()
    rows = sample(arguments.rows)
    sampled = processor_seconds()
    rows.to_parquet(arguments.out, index=False)
    seconds = {"fit_s": round(fitted - start, 1), "sample_s": round(sampled - fitted, 1)}
    arguments.out.with_suffix(".json").write_text(json.dumps(seconds) + "\n")


if __name__ == "__main__":
    main()

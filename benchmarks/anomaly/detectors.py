"""Madeira as a detector, and the peers, each row set scored once."""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from benchmarks.anomaly.sets import Setting, Split
from madeira.models import DensityEstimator
from madeira.models.arrays import Float64, Int64
from madeira.models.made.config import MaskConfig, NetworkConfig
from madeira.models.training.config import FitConfig, MemberConfig, TrainingConfig

__all__ = [
    "CONTAMINATION",
    "PEERS_PYTHON",
    "SMALL",
    "SMOOTHING",
    "Peers",
    "Smoothing",
    "madeira_scores",
]

Smoothing = float | Literal["auto"]

PEERS_PYTHON = Path(".bench/anomaly/bin/python")
SMOOTHING: Smoothing = "auto"
CONTAMINATION: dict[Setting, float] = {"unsupervised": 0.3, "semi-supervised": 0.0}
SMALL = FitConfig(
    (
        MemberConfig(
            "any-order",
            NetworkConfig(hidden=(64, 64), residual=True),
            MaskConfig("sampled", "even", count=None, ensemble=4),
            TrainingConfig(
                learning_rate=4e-3,
                schedule="cosine",
                batch_rows=256,
                max_epochs=12,
                patience_epochs=12,
                averaging=0.98,
            ),
        ),
    ),
)


def madeira_scores(
    split: Split, seed: int, smoothing: Smoothing, contamination: float, device: str = "cpu"
) -> tuple[Float64, float]:
    """Minus the log-likelihood of the test rows, all columns continuous, and seconds taken."""
    names = [f"x{index}" for index in range(split.train.shape[1])]
    train, test = (pa.table(dict(zip(names, x.T, strict=True))) for x in (split.train, split.test))
    config = replace(SMALL, smoothing=smoothing, contamination=contamination)
    start = time.perf_counter()
    estimator = DensityEstimator(config=config, seed=seed, device=device)
    estimator.fit(train, dict.fromkeys(names, "continuous"))
    return -estimator.log_prob(test), time.perf_counter() - start


class Peers:
    """The peers in their own environment, started when first asked."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def scores(
        self,
        train: Float64,
        test: Float64,
        seed: int,
        methods: Sequence[str] = (),
        groups: Int64 | None = None,
    ) -> dict[str, tuple[Float64, float]]:
        """Return the scores of the test rows and the seconds, by peer.

        Args:
            train: Training rows, shape `(rows, columns)`.
            test: Rows to be scored, the same columns.
            seed: Seed of the peers.
            methods: Which peers; all if none is named.
            groups: Group of each test row, shape `(test rows,)`, -1 for those that are in all of
                them: no group is scored in view of another.

        Raises:
            RuntimeError: The peers ended; their own message stands above.
        """
        if self._process is None:
            self._process = subprocess.Popen(
                [PEERS_PYTHON, Path("benchmarks/peers/anomaly.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the peers have no pipes")
        with tempfile.TemporaryDirectory() as folder:
            given, output = f"{folder}/in.npz", f"{folder}/out.npz"
            job = {"input": given, "output": output, "seed": seed, "methods": list(methods)}
            together = np.full(len(test), -1) if groups is None else groups
            np.savez(given, train=train, test=test, groups=together)
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            if process.stdout.readline().strip() != "done":
                raise RuntimeError("the peers ended before they were done")
            with np.load(output) as found:
                return {
                    name: (found[name], float(found[f"{name}|seconds"]))
                    for name in found.files
                    if not name.endswith("|seconds")
                }

    def close(self) -> None:
        """End the process of the peers, if there is one."""
        if self._process is not None:
            self._process.communicate()

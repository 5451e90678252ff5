"""The ADBench sets, cut to size, and what of them is trained on."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.data import data_folder
from madeira.models.arrays import Bool, Float64

__all__ = ["SETTINGS", "Setting", "Split", "set_names", "split"]

Setting = Literal["unsupervised", "semi-supervised"]

SETTINGS: tuple[Setting, ...] = ("unsupervised", "semi-supervised")
ROWS_LIMIT = 5_000
MIN_ANOMALIES = 10


@dataclass(frozen=True)
class Split:
    """What is trained on, and what is to be told apart.

    Attributes:
        train: Training rows, shape `(rows, columns)`; columns of one value are left out.
        test: Rows to be scored, same columns.
        anomalous: Which of these are anomalies, bool, shape `(test rows,)`.
    """

    train: Float64
    test: Float64
    anomalous: Bool


def set_names() -> list[str]:
    """Return the sets by ADBench's numbers."""
    names = [path.stem for path in data_folder("anomaly").glob("*.npz")]
    return sorted(names, key=lambda name: int(name.split("_")[0]))


def split(name: str, setting: Setting, seed: int, rows_limit: int = ROWS_LIMIT) -> Split:
    """One set under one setting.

    Larger sets are cut to `rows_limit` rows with the share of anomalies that they have, but for
    at least ten anomalies where there are ten.

    Args:
        name: One of `set_names`.
        setting: `unsupervised` trains on all rows and tells the anomalies among them;
            `semi-supervised` trains on half of the normal rows and tests on all others.
        seed: Seed of the cut and of the halves.
        rows_limit: Rows at most.
    """
    with np.load(data_folder("anomaly") / f"{name}.npz") as stored:
        rows, anomalous = stored["X"].astype(np.float64), stored["y"].ravel() == 1
    generator = np.random.default_rng([seed, int(name.split("_")[0])])
    if len(rows) > rows_limit:
        odd, usual = np.flatnonzero(anomalous), np.flatnonzero(~anomalous)
        share = round(rows_limit * len(odd) / len(rows))
        count = max(share, min(MIN_ANOMALIES, len(odd)))
        kept = np.concatenate(
            [
                generator.choice(odd, count, replace=False),
                generator.choice(usual, rows_limit - count, replace=False),
            ]
        )
        rows, anomalous = rows[kept], anomalous[kept]
    order = generator.permutation(len(rows))
    rows, anomalous = rows[order], anomalous[order]
    train, test = rows, rows
    if setting == "semi-supervised":
        usual = np.flatnonzero(~anomalous)
        learned = np.zeros(len(rows), dtype=bool)
        learned[usual[: len(usual) // 2]] = True
        train, test, anomalous = rows[learned], rows[~learned], anomalous[~learned]
    varied = train.min(axis=0) < train.max(axis=0)
    return Split(train[:, varied], test[:, varied], anomalous)

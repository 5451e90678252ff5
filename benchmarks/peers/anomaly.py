"""Scores of the peers: run as a script by the Python of `.bench/anomaly`.

Reads one JSON object a line, `{"input": PATH, "output": PATH, "seed": 0, "methods": [NAME]}`. The
input is an `.npz` of `train`, `test` and `groups`, the output one of scores and seconds by peer;
after each, a line is printed. `groups` are those of the test rows, -1 for rows that are in all of
them: a peer that looks at all test rows to score one is shown one group at a time.
Columns are standardised by the training rows. All settings are the defaults that are documented,
but for `mixture (BIC)`, a Gaussian mixture whose number of components the Bayesian information
criterion chooses: the default of PyOD is one component.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from pyod.models.gmm import GMM
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.mcd import MCD
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from madeira.models.arrays import Float64, Int64

__all__ = ["PEERS", "main"]

MIXTURE_SIZES = (1, 2, 3, 5, 8, 12)
TRANSDUCTIVE = {"ECOD", "COPOD"}

PEERS: dict[str, Callable[[int], Any]] = {
    "isolation forest": lambda seed: IForest(random_state=seed),
    "k-NN": lambda _: KNN(),
    "ECOD": lambda _: ECOD(),
    "COPOD": lambda _: COPOD(),
    "MCD": lambda seed: MCD(random_state=seed),
    "Gaussian (gmm)": lambda seed: GMM(random_state=seed),
}


def detect(name: str, train: Float64, test: Float64, seed: int) -> Float64:
    """Return the scores of the test rows, higher where more anomalous.

    Training rows that are scored themselves have the scores that PyOD keeps of them: a row is
    not its own neighbour.
    """
    if name == "mixture (BIC)":
        fits = [
            GaussianMixture(size, random_state=seed).fit(train)
            for size in MIXTURE_SIZES
            if 2 * size <= len(train)
        ]
        return np.asarray(-min(fits, key=lambda fit: fit.bic(train)).score_samples(test))
    detector = PEERS[name](seed).fit(train)
    same = train.shape == test.shape and bool((train == test).all())
    return np.asarray(detector.decision_scores_ if same else detector.decision_function(test))


def detect_groups(name: str, train: Float64, test: Float64, groups: Int64, seed: int) -> Float64:
    """Return the scores of the test rows, of each group as if the other groups were not there.

    Args:
        name: The peer.
        train: Training rows.
        test: Rows to be scored.
        groups: Group of each of them; -1 for those that are in all groups.
        seed: Seed of the peer.
    """
    if name not in TRANSDUCTIVE:
        return detect(name, train, test, seed)
    shared = test[groups == -1]
    scores = np.empty(len(test))
    scores[groups == -1] = detect(name, train, shared, seed)
    for group in np.unique(groups[groups >= 0]):
        together = np.concatenate([shared, test[groups == group]])
        scores[groups == group] = detect(name, train, together, seed)[len(shared) :]
    return scores


def main() -> None:
    """Answer jobs until there are no more."""
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        job = json.loads(line)
        with np.load(job["input"]) as arrays:
            scaler = StandardScaler().fit(arrays["train"])
            train, test = scaler.transform(arrays["train"]), scaler.transform(arrays["test"])
            groups = arrays["groups"]
        results: dict[str, Float64] = {}
        for name in job["methods"] or (*PEERS, "mixture (BIC)"):
            start = time.perf_counter()
            scores = detect_groups(name, train, test, groups, job["seed"])
            results[f"{name}|seconds"] = np.array(time.perf_counter() - start)
            results[name] = np.nan_to_num(scores, posinf=1e300, neginf=-1e300)
        np.savez(job["output"], allow_pickle=False, **results)
        print("done", flush=True)


if __name__ == "__main__":
    main()

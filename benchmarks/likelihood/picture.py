"""What orderings, degrees and reach follow: `python -m benchmarks.likelihood.picture`.

Draws `docs/images/learned_orderings.png` from the training rows of the binarized MNIST digits.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.likelihood.columns import BitColumns
from benchmarks.likelihood.sets import BinarySet
from madeira.models.made.ordering import smooth_positions
from madeira.models.training.dependence import (
    coordinates,
    dependence_graph,
    entropies,
    neighbourhood,
)

SIDE = 28
ORDERINGS = 4
REACH = 8
PIXELS = ((14, 14), (8, 19))
FILE = Path(__file__).parents[2] / "docs" / "images" / "learned_orderings.png"


def main() -> None:
    """Draw the picture.

    Raises:
        SystemExit: The digits do not vary.
    """
    rows = BinarySet.named("binarized_mnist").train
    columns = BitColumns.of(rows, "bits")
    values = columns.encode(rows)
    joined = dependence_graph(values, columns.layout)
    places = coordinates(joined)
    if places is None:
        raise SystemExit("the digits have fewer than three pixels that vary")
    figure = Figure(figsize=(9.0, 3.1), layout="constrained")
    upper, lower = figure.subplots(2, ORDERINGS)
    for seed, axes in enumerate(upper):
        _show(axes, smooth_positions(places, np.random.default_rng(seed)), "viridis")
        axes.set_title(f"a smooth ordering, {seed + 1}", fontsize=8)
    within = neighbourhood(joined, REACH)
    _show(lower[0], values.mean(axis=0), "gray_r")
    lower[0].set_title("share of ones", fontsize=8)
    _show(lower[1], entropies(values), "magma")
    lower[1].set_title("entropy", fontsize=8)
    for axes, (row, column) in zip(lower[2:], PIXELS, strict=True):
        _show(axes, within[row * SIDE + column], "gray_r")
        axes.plot(column, row, "r.", markersize=4)
        axes.set_title(f"within {REACH} steps", fontsize=8)
    figure.savefig(FILE, dpi=110)


def _show(axes: Axes, pixels: npt.NDArray[np.generic], colours: str) -> None:
    axes.imshow(pixels.reshape(SIDE, SIDE), cmap=colours)
    axes.set_axis_off()


if __name__ == "__main__":
    main()

"""Draws the pictures of `docs/inference.md`, fills its table: `python -m docs.inference_page`.

The masks are those of a real mask of the project, so that the pictures cannot say anything else
than the code does; the table is what `python -m benchmarks.inference` measured last.
"""

import json
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from madeira.models.arrays import Int64
from madeira.models.made.masks import even_degrees
from madeira.models.made.ordering import evidence_first

__all__ = ["aligned_step", "main", "measured", "triangular_blocks"]

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
RESULTS = DOCS.parent / "benchmarks" / "results" / "inference.json"
VARIABLES, WIDTH, STEP, BLOCK = 12, 22, 6, 4
ZERO, LATER, DONE, NOW = "#ffffff", "#e3e8f0", "#9fb3d1", "#d9480f"
ROWS, NAMES = 6, "ABCDEFGH"


def triangular_blocks() -> Figure:
    """Return the three kinds of matrices of a network, sorted, at one step of a walk."""
    degrees = even_degrees(WIDTH, VARIABLES)
    positions = np.arange(1, VARIABLES + 1)
    figure = Figure(figsize=(9, 3.9), layout="constrained")
    panels = figure.subplots(1, 3)
    _matrix(panels[0], degrees, positions, True, "input to hidden\n$m(k) \\geq position(d)$")
    _matrix(panels[1], degrees, degrees, True, "hidden to hidden\n$m(k) \\geq m(j)$")
    _matrix(panels[2], positions, degrees, False, "hidden to output\n$position(d) > m(k)$")
    panels[0].set(xlabel="variables by position", ylabel="units by degree")
    panels[1].set(xlabel="units by degree", ylabel="units by degree")
    panels[2].set(xlabel="units by degree", ylabel="variables by position")
    labels = {
        "zero": ZERO,
        "used before": DONE,
        f"used at step {STEP}": NOW,
        "used later": LATER,
    }
    patches = [
        Rectangle((0, 0), 1, 1, facecolor=color, edgecolor="grey") for color in labels.values()
    ]
    figure.legend(patches, list(labels), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _matrix(axes: Axes, rows: Int64, columns: Int64, inclusive: bool, title: str) -> None:
    """One masked matrix; rows and columns are given by their degree or position."""
    allowed = rows[:, None] >= columns if inclusive else rows[:, None] > columns
    when = np.broadcast_to(rows[:, None], allowed.shape)
    if inclusive and len(columns) == VARIABLES:  # pushed: an input is added when it is known
        when = np.broadcast_to(columns, allowed.shape)
    state = np.where(when < STEP, 2, np.where(when == STEP, 3, 1)) * allowed
    colors = ListedColormap([ZERO, LATER, DONE, NOW])
    axes.pcolormesh(state, cmap=colors, vmin=0, vmax=3, edgecolors="white", linewidth=0.4)
    for block in range(BLOCK, VARIABLES, BLOCK):
        axes.axhline(
            float(np.searchsorted(rows, block, "right")), color="grey", linewidth=0.8, ls=":"
        )
        axes.axvline(
            float(np.searchsorted(columns, block, "right")), color="grey", linewidth=0.8, ls=":"
        )
    axes.invert_yaxis()
    axes.set(title=title, xticks=[], yticks=[])


def aligned_step() -> Figure:
    """Rows with orderings of their own at one position, and the weights each of them takes."""
    generator = np.random.default_rng(4)
    observed = generator.random((ROWS, len(NAMES))) < 0.45
    orders = evidence_first(generator.permutation(len(NAMES)), observed)
    step = 4
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.5, 1, 1])
    palette = mpl.colormaps["Set2"].colors  # type: ignore[attr-defined]
    for row, order in enumerate(orders):
        for place, variable in enumerate(order):
            known = observed[row, variable]
            color = palette[variable] if place + 1 == step else (DONE if known else "white")
            left.add_patch(Rectangle((place, row), 1, 1, facecolor=color, edgecolor="grey"))
            left.text(place + 0.5, row + 0.5, NAMES[variable], ha="center", va="center")
    left.add_patch(Rectangle((step - 1, 0), 1, ROWS, fill=False, edgecolor=NOW, linewidth=2.5))
    left.set(xlim=(0, len(NAMES)), ylim=(ROWS, 0), yticks=[], ylabel="rows of the batch")
    left.set_xticks(np.arange(len(NAMES)) + 0.5, [str(i + 1) for i in range(len(NAMES))])
    left.set(xlabel="position", title=f"orderings; blue is observed\nposition {step} is next")
    for axes, title, axis in (
        (middle, "first layer: each row adds\nits own column of W (and U)", "x"),
        (right, "output: each row takes\nits own row of V", "y"),
    ):
        for variable, name in enumerate(NAMES):
            used = variable in orders[:, step - 1]
            color = palette[variable] if used else "white"
            x, y, width, height = (variable, 0, 1, 10) if axis == "x" else (0, variable, 10, 1)
            axes.add_patch(Rectangle((x, y), width, height, facecolor=color, edgecolor="grey"))
            axes.text(x + width / 2, y + height / 2, name, ha="center", va="center")
        limits = (len(NAMES), 10) if axis == "x" else (10, len(NAMES))
        axes.set(xlim=(0, limits[0]), ylim=(limits[1], 0), xticks=[], yticks=[], title=title)
    middle.set(ylabel="units by degree", xlabel="variables")
    right.set(xlabel="units by degree", ylabel="variables")
    return figure


def measured() -> str:
    """Return the comparisons of the last run of the benchmark, as a table."""
    run = json.loads(RESULTS.read_text())
    lines = [
        "| work | ms | against, ms | ratio | target | least time, ms | peak MiB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in run["cases"]:
        if case["ratio"] is None:
            continue
        detail = case["detail"]
        least = next((value for name, value in detail.items() if "least time" in name), None)
        target = (
            f"{case['target']:g}" + ("" if case["met"] else ", missed") if case["target"] else ""
        )
        lines.append(
            f"| {case['case']} | {case['value']:.3g} "
            f"| {case['against_value']:.4g}: {case['against']} | **{case['ratio']:.3g}** "
            f"| {target} | {_number(least)} | {_number(detail.get('peak memory, MiB'))} |"
        )
    machine = run["hardware"]
    lines.append(
        f"\n{machine['cpu']}, {machine['threads']} of {machine['cores']} cores used, load average "
        f"{machine['load_average']} from other work; {run['date'][:10]}, torch "
        f"{run['versions']['torch']}, numba {run['versions']['numba']}."
    )
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def main() -> None:
    """Write all of them, the same bytes every time."""
    page = DOCS / "inference.md"
    table = f"<!-- measured -->\n{measured()}\n<!-- end -->"
    pattern = re.compile("<!-- measured -->.*<!-- end -->", re.DOTALL)
    page.write_text(pattern.sub(lambda _: table, page.read_text()))
    mpl.rcParams["svg.hashsalt"] = "madeira"
    IMAGES.mkdir(exist_ok=True)
    for name, figure in (
        ("triangular_blocks", triangular_blocks()),
        ("aligned_step", aligned_step()),
    ):
        figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()

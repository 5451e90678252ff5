"""Time of a sampling pass as the number of variables grows, at fixed width."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.networks import binary_layout, density_of
from benchmarks.report import Report, in_turns
from madeira.models.inference import draw_noise, noise_generator, warm_up
from madeira.models.made import NetworkConfig

__all__ = ["measure_scaling"]

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "sampling_scaling.png"
ROWS = 64
WIDTH = 512


def measure_scaling(report: Report, quick: bool, device: str) -> None:
    """Add the times to a report, and draw them unless the run is a quick one."""
    sizes = [64, 128, 256, 512] if quick else [64, 128, 256, 512, 1024, 2048]
    taken = []
    for variables in sizes:
        config = NetworkConfig((WIDTH, WIDTH), conditioning=False, direct=False)
        density = density_of(binary_layout(variables), config, any_order=False, device=device)
        warm_up(density)
        noise = draw_noise(ROWS, density.noise_width, noise_generator(0))
        nothing = np.full((ROWS, variables), np.nan)
        work = {"pass": lambda d=density, v=nothing, n=noise: d.sample(v, n)}
        taken.append(in_turns(work, 0.5 if quick else 2.0)["pass"])
        name = f"sample, D = {variables} binary, 2 x {WIDTH}, batch {ROWS}"
        report.record(name, taken[-1] * 1e3, "ms")
    exponent = float(np.polyfit(np.log(sizes[1:]), np.log(taken[1:]), 1)[0])
    report.record("growth of that time: the power of D", exponent, "")
    if not quick:
        _draw(sizes, taken, exponent)


def _draw(sizes: list[int], taken: list[float], exponent: float) -> None:
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel="variables D", ylabel="time of a pass, ms")
    milliseconds = np.array(taken) * 1e3
    growth = np.array(sizes) / sizes[-1]
    axes.loglog(sizes, milliseconds[-1] * growth, ":", color="grey", label="proportional to D")
    axes.loglog(sizes, milliseconds[-1] * growth**2, "--", color="grey", label="to D squared")
    axes.loglog(sizes, milliseconds, "o-", label=f"measured: D to the {exponent:.2f}")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_title(f"Sampling {ROWS} rows, 2 x {WIDTH} hidden units")
    axes.legend(frameon=False)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=150)

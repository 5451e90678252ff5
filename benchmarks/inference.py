"""Sampling, imputation and scoring against full passes: `python -m benchmarks.inference`.

"Full passes" draw each variable after a pass of the whole network, masks folded beforehand;
"row by row" does so for every row on its own, masks folded for its pattern. Where those would
take minutes they run for some of their steps or rows, each of which costs the same, and the time
is scaled; the case says so.
"""

import numpy as np
import torch

from benchmarks.baselines import MaskedEachCall, impute_row, sample_by_full_passes, score_row
from benchmarks.networks import binary_layout, density_of, mixed_layout
from benchmarks.report import Report, in_turns, parse_arguments, peak_memory_mib
from benchmarks.roofline import Roofline
from benchmarks.scaling import measure_scaling
from benchmarks.streaming import measure_stream
from madeira.models.arrays import Float64
from madeira.models.columns import Layout
from madeira.models.inference import Density, draw_noise, noise_generator, warm_up
from madeira.models.inference.weights.folded import fold
from madeira.models.made import NetworkConfig

__all__ = ["main"]


PLAIN = {"conditioning": False, "direct": False}
IMAGE = NetworkConfig((512, 512), **PLAIN)  # type: ignore[arg-type]
ADULT = NetworkConfig((500, 500))
MISSING = 0.3
ROWS_ONE_BY_ONE = 24


def main() -> None:
    """Measure every case and write the report."""
    arguments = parse_arguments(__doc__)
    report = Report("inference", arguments.quick)
    device, seconds = arguments.device, 2.0 if arguments.quick else 12.0
    roofline = Roofline.measure(device)
    report.record("matrix product, float32", roofline.flops_per_s / 1e9, "Gflop/s")
    report.record("memory copy", roofline.bytes_per_s / 1e9, "GB/s")
    image = binary_layout(784)
    targets = {1024: 250, 256: 200, 16: 350, 1: 250} if device == "cpu" else {4096: 300}
    for rows, target in targets.items():
        name = f"sample, D = 784 binary, 2 x 512, batch {rows}"
        measure_sample(report, name, image, IMAGE, rows, target, seconds, device, roofline)
    name = "sample, mixed table of 15 columns, batch 1000"
    shape = NetworkConfig((256, 256))
    measure_sample(report, name, mixed_layout(), shape, 1000, 5, seconds, device, roofline)
    if not arguments.quick:
        name = "sample, D = 784 binary, 2 x 512 with U and A, batch 1024"
        shape = NetworkConfig((512, 512))
        measure_sample(report, name, image, shape, 1024, None, seconds, device, roofline)
    measure_patterns(report, seconds, device)
    measure_complete(report, image, seconds, device)
    measure_scaling(report, arguments.quick, device)
    measure_stream(report, arguments.quick, device)
    report.write()


def measure_sample(
    report: Report,
    case: str,
    layout: Layout,
    config: NetworkConfig,
    rows: int,
    target: float | None,
    seconds: float,
    device: str,
    roofline: Roofline,
) -> None:
    """Compare a whole pass of draws with a full pass for every variable."""
    density = density_of(layout, config, any_order=False, device=device)
    warm_up(density)
    folded = fold(density.members[0].network, density.components[0].mask)
    noise = draw_noise(rows, density.noise_width, noise_generator(0))
    nothing = np.full((rows, density.variables), np.nan)
    share = 1 if rows * density.variables <= 20_000 and not report.quick else 16
    steps = max(density.variables // share, 1)
    works = {
        "pass": lambda: density.sample(nothing, noise),
        "full": lambda: sample_by_full_passes(density, folded, nothing, noise, steps),
    }
    taken = in_turns(works, seconds)
    scaled = "" if steps == density.variables else f" ({steps} of them, scaled)"
    report.compare(
        case,
        taken["pass"] * 1e3,
        "ms",
        "full passes" + scaled,
        taken["full"] * density.variables / steps * 1e3,
        target,
        **roofline.of_pass(density, rows, taken["pass"]),
        **{
            "peak memory, MiB": peak_memory_mib(works["pass"]),
            "peak memory of full passes, MiB": peak_memory_mib(works["full"]),
        },
    )


def with_missing(density: Density, rows: int) -> Float64:
    """Rows of random bits, each with other variables missing."""
    generator = np.random.default_rng(0)
    values = generator.integers(0, 2, (rows, density.variables)).astype(np.float64)
    values[generator.random(values.shape) < MISSING] = np.nan
    return values


def measure_patterns(report: Report, seconds: float, device: str) -> None:
    """Imputation and scores of rows that all miss other variables."""
    density = density_of(binary_layout(123), ADULT, any_order=True, device=device)
    warm_up(density)
    rows = 2048 if device == "cpu" else 4096
    values = with_missing(density, rows)
    shared = np.where(np.isnan(values[0]), np.nan, np.nan_to_num(values))
    noise = draw_noise(rows, density.noise_width, noise_generator(0))
    alone = [slice(row, row + 1) for row in range(ROWS_ONE_BY_ONE)]
    works = {
        "impute": lambda: density.sample(values, noise),
        "impute shared": lambda: density.sample(shared, noise),
        "impute alone": lambda: [impute_row(density, values[r], noise[r]) for r in alone],
        "score": lambda: density.score(values),
        "score alone": lambda: [score_row(density, values[r]) for r in alone],
    }
    taken = in_turns(works, 3 * seconds)
    scale = rows / len(alone)
    against = f"row by row ({len(alone)} of them, scaled)"
    shape = f"D = 123, 2 x 500, {rows} rows, 30 % missing"
    different = "all patterns different"
    report.compare(
        f"impute, {shape}, {different}",
        taken["impute"] * 1e3,
        "ms",
        against,
        taken["impute alone"] * scale * 1e3,
        100,
        **{"peak memory, MiB": peak_memory_mib(works["impute"])},
    )
    report.compare(
        f"impute, {shape}, {different}: time of one shared pattern",
        taken["impute"] * 1e3,
        "ms",
        "the same rows with one pattern",
        taken["impute shared"] * 1e3,
        0.5,
    )
    report.compare(
        f"score, {shape}, {different}",
        taken["score"] * 1e3,
        "ms",
        against,
        taken["score alone"] * scale * 1e3,
        10,
        **{"peak memory, MiB": peak_memory_mib(works["score"])},
    )


def measure_complete(report: Report, layout: Layout, seconds: float, device: str) -> None:
    """Compare scores of complete rows: folded masks, and masks multiplied in every call."""
    density = density_of(layout, IMAGE, any_order=False, device=device)
    masked = MaskedEachCall(density)
    generator = np.random.default_rng(0)
    values = generator.integers(0, 2, (4096, density.variables)).astype(np.float64)
    np.testing.assert_allclose(density.score(values), masked(values), rtol=1e-4)
    works = {"folded": lambda: density.score(values), "masked": lambda: masked(values)}
    taken = in_turns(works, seconds)
    report.compare(
        "score, complete rows, batch 4096, D = 784, 2 x 512",
        taken["folded"] * 1e3,
        "ms",
        "a masked MLP, masks multiplied each call",
        taken["masked"] * 1e3,
        1.3,
        **{
            "peak memory, MiB": peak_memory_mib(works["folded"]),
            "peak memory of the masked MLP, MiB": peak_memory_mib(works["masked"]),
        },
    )


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()

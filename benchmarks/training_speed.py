"""Training steps against a masked MLP in plain PyTorch: `python -m benchmarks.training_speed`.

The MADE paper's network for MNIST: 784 binary variables, two hidden layers of 500, minibatches of
100, and a fresh ordering for every minibatch, with fresh degrees as in the paper, or evenly spread
ones as in the presets. Both train the same network with AdamW of the same settings on the same
images, in turns of a few minibatches; the ratio is the median of those of all turns. The plain one
multiplies its masks into the weights at every forward, and builds them anew unless there is one
for all minibatches. Its optimizer is AdamW as PyTorch has it by default, or fused as ours.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.data import data_folder
from benchmarks.networks import binary_layout
from benchmarks.report import Report, parse_arguments
from madeira.models.arrays import Float64
from madeira.models.columns import Layout
from madeira.models.made import MADE, Degrees, MaskConfig, MaskSource, NetworkConfig
from madeira.models.made.masks import even_degrees
from madeira.models.training import MemberConfig, TrainingConfig
from madeira.models.training.banded import blocks_of_one_mask
from madeira.models.training.data import Rows
from madeira.models.training.loop import MemberTraining

__all__ = ["CASES", "Case", "PlainTraining", "main"]

VARIABLES, WIDTH, BATCH = 784, 500, 100
TURN_STEPS = 10
IMAGES = 10_000
TARGETS = {"cpu": 1.5, "cuda": 3.0}


@dataclass(frozen=True)
class Case:
    """What is compared.

    Attributes:
        name: How the report calls it.
        degrees: `sampled` for every minibatch, as in the paper, or `even`.
        one_mask: Whether one mask serves all minibatches, in place of a fresh one for each.
        plain_fused: Whether the plain one's optimizer is the fused one; None leaves it to PyTorch.
        kept: Whether our weights are averaged and gradients clipped, as they are by default.
        held_to_target: Whether the ratio is to reach the target.
    """

    name: str
    degrees: Degrees = "even"
    one_mask: bool = False
    plain_fused: bool | None = None
    kept: bool = False
    held_to_target: bool = False


CASES = (
    Case("fresh orderings and degrees", "sampled", held_to_target=True),
    Case("fresh orderings, even degrees", held_to_target=True),
    Case("one mask", one_mask=True),
    Case("even degrees, both optimizers fused", plain_fused=True),
    Case("even degrees, ours with averaging and clipping", kept=True),
)


class PlainTraining:
    """A masked MLP, its masks multiplied into the weights at every forward.

    Args:
        device: Where it trains.
        case: What it is compared in.
    """

    def __init__(self, device: torch.device, case: Case) -> None:
        sizes = (VARIABLES, WIDTH, WIDTH, VARIABLES)
        self.layers = [nn.Linear(*pair, device=device) for pair in pairwise(sizes)]
        self._device, self._case = device, case
        settings = {"lr": 2e-3, "weight_decay": 1e-4}
        parameters = [weights for layer in self.layers for weights in layer.parameters()]
        self._optimizer = torch.optim.AdamW(parameters, fused=case.plain_fused, **settings)  # type: ignore[arg-type]
        self._generator = np.random.default_rng(0)
        self._one = self._drawn() if case.one_mask else None

    def masks(self) -> list[Tensor]:
        """Masks of the next minibatch, `(after, before)` each."""
        return self._drawn() if self._one is None else self._one

    def _drawn(self) -> list[Tensor]:
        if self._case.degrees == "even":
            first = second = even_degrees(WIDTH, VARIABLES)
        else:
            first = self._generator.integers(1, VARIABLES, WIDTH)
            second = self._generator.integers(first.min(), VARIABLES, WIDTH)
        order = self._generator.permutation(VARIABLES) + 1
        position, one, two = (
            torch.as_tensor(keys, device=self._device) for keys in (order, first, second)
        )
        seen = (one[:, None] >= position, two[:, None] >= one, position[:, None] > two)
        return [mask.float() for mask in seen]

    def step(self, values: Tensor) -> None:
        """One minibatch, `(batch, variables)`."""
        units = values
        for layer, mask in zip(self.layers, self.masks(), strict=True):
            if units is not values:
                units = functional.relu(units)
            units = functional.linear(units, layer.weight * mask, layer.bias)
        nats = functional.binary_cross_entropy_with_logits(units, values, reduction="none")
        self._optimizer.zero_grad()
        nats.sum(dim=1).mean().backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()


def our_training(layout: Layout, case: Case) -> MemberTraining:
    """Return the same network and optimizer as this project trains it."""
    network = NetworkConfig((WIDTH, WIDTH), conditioning=False, direct=False)
    masks = MaskConfig("sampled", case.degrees, count=1 if case.one_mask else None)
    training = TrainingConfig(batch_rows=BATCH)
    if not case.kept:
        training = replace(training, averaging=0.0, gradient_clip=None)
    config = MemberConfig("speed", network, masks, training)
    source = MaskSource(network, masks, VARIABLES, seed=0)
    made = MADE(network, layout, torch.Generator().manual_seed(0)).to(layout.device)
    trained = blocks_of_one_mask(config, made, source, BATCH) or made
    state = MemberTraining(config, trained, source, epochs=1, seed=0)
    state.network.train()
    return state


def seconds_in_turns(
    works: dict[str, Callable[[], None]], turns: int, device: torch.device
) -> dict[str, Float64]:
    """Seconds of each piece of work in each turn, `(turns,)` each; the first two do not count."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns + 2):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            taken[name].append(time.perf_counter() - start)
    return {name: np.array(times[2:]) for name, times in taken.items()}


def main() -> None:
    """Measure in turns, and write the report.

    Raises:
        SystemExit: The data is missing.
    """
    arguments = parse_arguments(__doc__)
    device = torch.device(arguments.device)
    file = data_folder("binary") / "binarized_mnist.npz"
    if not file.is_file():
        raise SystemExit(f"no {file.name} in {file.parent}: nothing was measured")
    with np.load(file) as arrays:
        packed = arrays["train"][:IMAGES]
    images = np.unpackbits(packed, axis=1, count=VARIABLES).astype(np.float64)
    layout = binary_layout(VARIABLES).to(device)
    rows = Rows(images, layout)
    report = Report("training_speed", arguments.quick)

    def steps(step: Callable[[Tensor, Tensor], object]) -> Callable[[], None]:
        generator = torch.Generator().manual_seed(0)

        def turn() -> None:
            batches = rows.batches(BATCH, generator)
            for _ in range(TURN_STEPS):
                step(*next(batches))

        return turn

    def plain(case: Case) -> Callable[[], None]:
        training = PlainTraining(device, case)
        return steps(lambda values, _: training.step(values))

    def ours(case: Case) -> Callable[[], None]:
        training = our_training(layout, case)
        return steps(lambda values, observed: training.step(values, observed, rows.complete))

    turns = 30 if arguments.quick else 200
    for case in CASES:
        taken = seconds_in_turns({"ours": ours(case), "plain": plain(case)}, turns, device)
        ratios = taken["plain"] / taken["ours"]
        ours_s, plain_s = (float(np.median(taken[key])) / TURN_STEPS for key in ("ours", "plain"))
        ratio = float(np.median(ratios))
        low, high = np.quantile(ratios, (0.25, 0.75))
        detail: dict[str, float | str] = {
            "examples a second": BATCH / ours_s,
            "examples a second, masked MLP": BATCH / plain_s,
            "quartiles of the ratio": f"{low:.2f} to {high:.2f}",
        }
        report.compare(
            f"training step, MNIST 2 x 500, batch 100, {device.type}: {case.name}",
            ours_s * 1e3,
            "ms",
            "masked MLP in plain PyTorch",
            ours_s * ratio * 1e3,
            TARGETS[device.type] if case.held_to_target else None,
            **detail,
        )
    report.write()


if __name__ == "__main__":
    main()

"""Inverting the distribution function of a softmax."""

import pytest
import torch

from madeira.models.columns.choice import choose


def test_outcomes_do_not_fall_as_the_noise_rises(device: torch.device) -> None:
    logits = torch.randn(1, 1, 9, device=device).expand(100, 1, 9)
    noise = torch.linspace(1e-9, 1 - 1e-9, 100, dtype=torch.float64, device=device)[:, None]
    outcomes = choose(logits, noise)[:, 0]
    assert (outcomes.diff() >= 0).all()
    assert outcomes[0] == 0
    assert outcomes[-1] == 8


@pytest.mark.parametrize("uniform", [5e-324, 1e-30, 0.5, 1 - 2**-53])
def test_impossible_outcomes_never_come(uniform: float) -> None:
    logits = torch.tensor([[[-torch.inf, 1.0, -torch.inf, 0.0]]])
    noise = torch.tensor([[uniform]], dtype=torch.float64)
    assert choose(logits, noise).item() in (1, 3)


@pytest.mark.parametrize("temperature", [1e-300, 1e-9, 1e-3])
def test_without_heat_the_likeliest_outcome_comes(temperature: float) -> None:
    logits = torch.tensor([[[30.0, 31.0, -40.0]]]).expand(50, 1, 3)
    noise = torch.linspace(0.01, 0.99, 50)[:, None]
    assert (choose(logits, noise, temperature) == 1).all()


def test_great_heat_draws_all_outcomes_alike() -> None:
    logits = torch.tensor([[[30.0, 31.0, -40.0]]]).expand(300, 1, 3)
    noise = ((torch.arange(300) + 0.5) / 300)[:, None]
    assert torch.bincount(choose(logits, noise, 1e6)[:, 0]).tolist() == [100, 100, 100]

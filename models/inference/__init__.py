"""Exact inference with a trained ensemble: score, sample, impute, calibrate."""

from madeira.models.inference.calibration import Calibration
from madeira.models.inference.density import Density, warm_up
from madeira.models.inference.impute import Imputation, impute
from madeira.models.inference.member import Component, Member
from madeira.models.inference.noise import draw_noise, noise_generator

__all__ = [
    "Calibration",
    "Component",
    "Density",
    "Imputation",
    "Member",
    "draw_noise",
    "impute",
    "noise_generator",
    "warm_up",
]

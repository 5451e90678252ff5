"""Exact inference with a trained ensemble: score, sample, impute, calibrate."""

from models.inference.calibration import Reference
from models.inference.density import Density, warm_up
from models.inference.impute import Estimate, Imputation, impute
from models.inference.member import Component, Member
from models.inference.noise import draw_noise, noise_generator

__all__ = [
    "Component",
    "Density",
    "Estimate",
    "Imputation",
    "Member",
    "Reference",
    "draw_noise",
    "impute",
    "noise_generator",
    "warm_up",
]

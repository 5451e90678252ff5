"""The pattern of missing cells: rows drawn with their nulls, and nulls as evidence.

Beside the density of the columns stands one of columns and null indicators, of the same any-order
networks (`Density.joint`). There every indicator precedes its own columns in each ordering: whether
a cell is null is decided first, and a cell that is null is never looked at. So

    p(observed values, nulls) = p(nulls) p(observed values | nulls)

is one proper distribution over the tables that users have.
"""

from collections.abc import Mapping

import numpy as np

from madeira.models.arrays import Bool, Float64
from madeira.models.columns.choice import MIN_TEMPERATURE
from madeira.models.columns.derived import with_derived
from madeira.models.inference.calibration import Calibration
from madeira.models.inference.density import Density
from madeira.models.inference.member import Member
from madeira.models.made.network import MADE

__all__ = ["joint_of", "sample_with_nulls", "with_pattern"]


def joint_of(
    density: Density, networks: Mapping[str, MADE], calibration: Calibration | None = None
) -> Density:
    """Return the density of columns and derived variables that goes with one of columns.

    Args:
        density: Of the columns.
        networks: Networks of columns and derived variables, of one layout, by name of the
            any-order member; at least one.
        calibration: Of the anomaly scores of the joint density.
    """
    layout = next(iter(networks.values())).layout
    derived = len(layout.derived)
    members, log_weights = [], []
    for index, member in enumerate(density.members):
        if member.name in networks:
            masks = tuple(mask.with_derived_first(derived) for mask in member.masks)
            members.append(Member(member.name, networks[member.name], masks, True))
            owned = [component.member == index for component in density.components]
            log_weights.append(density.log_weights[owned])
    joined = np.concatenate(log_weights)
    return Density(members, layout, joined - np.logaddexp.reduce(joined), calibration)


def with_pattern(joint: Density, values: Float64) -> Float64:
    """Add to rows which of their cells are null, as evidence.

    Args:
        joint: The density of columns and null indicators.
        values: Shape `(rows, columns)`, NaN where null.

    Returns:
        Shape `(rows, variables)` of the joint density.
    """
    return with_derived(values, joint.layout.derived)


def sample_with_nulls(
    density: Density,
    values: Float64,
    noise: Float64,
    temperature: float = 1.0,
    within_range: bool = False,
) -> Float64:
    """Draw rows with their nulls: the pattern first, then the values that are there.

    Where nothing is given, members of fixed orderings draw rows without nulls, as often as their
    weight in the mixture says.

    Args:
        density: Of the columns, with one of columns and null indicators beside it.
        values: Evidence, NaN where to draw, shape `(rows, columns)`. A cell that is given is
            not null.
        noise: Uniform in (0, 1), shape `(rows, density.joint.noise_width)`.
        temperature: Above 1 draws rarer values, below 1 more typical ones.
        within_range: As of `Density.sample`.

    Returns:
        Shape `(rows, columns)`, NaN where null; the evidence as it was.

    Raises:
        NumericalError: A drawn value is not finite.
    """
    joint = density.joint
    assert joint is not None  # noqa: S101 - callers look
    columns, temperature = values.shape[1], max(temperature, MIN_TEMPERATURE)
    evidence = with_derived(values, joint.layout.derived, observed=False)
    for variable, indicator in enumerate(joint.layout.derived, columns):
        given = ~np.isnan(values[:, list(indicator.of)]).all(axis=1)
        evidence[given, variable] = 0.0
    chosen = joint.choose(evidence, noise[:, 0])
    # One component draws both: the pattern, and the values given the pattern.
    patterns = joint.draw(chosen, evidence, noise, temperature, within_range)
    evidence[:, columns:] = patterns[:, columns:]
    null = _null_cells(joint, evidence) & np.isnan(evidence)
    picked = density.choose(values, _further(noise[:, 0]))
    fixed = np.array([not component.any_order for component in density.components])[picked]
    whole = fixed & np.isnan(values).all(axis=1) & ~null.any(axis=1)
    result = values.copy()
    if whole.any():
        of_columns = np.flatnonzero(joint.layout.variable_of_noise.cpu().numpy() < columns)
        own = noise[whole][:, np.append(0, 1 + of_columns)]  # what drew no indicator
        result[whole] = density.draw(picked[whole], values[whole], own, temperature, within_range)
    rest = ~whole
    if rest.any():
        drawn = joint.draw(
            chosen[rest], evidence[rest], noise[rest], temperature, within_range, last=null[rest]
        )
        drawn[null[rest]] = np.nan
        result[rest] = drawn[:, :columns]
    return result


def _further(uniforms: Float64) -> Float64:
    """Return uniforms, (rows,), nearly independent of these: their digits from the 20th on."""
    return np.asarray(uniforms * 2.0**20 % 1.0)


def _null_cells(joint: Density, evidence: Float64) -> Bool:
    """Which variables the indicators of a row say to be null, `(rows, variables)`."""
    null = np.zeros(evidence.shape, dtype=bool)
    first = joint.variables - len(joint.layout.derived)
    for variable, indicator in enumerate(joint.layout.derived, first):
        null[:, list(indicator.of)] = evidence[:, variable, None] == 1
    return null

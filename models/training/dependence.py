"""Missingness, entropy and dependence of variables, for the masks of a network."""

import numpy as np
import torch

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.columns.layout import Layout
from madeira.models.made.config import MaskConfig
from madeira.models.made.mask_statistics import MaskStatistics

__all__ = [
    "coordinates",
    "dependence_graph",
    "entropies",
    "mask_statistics",
    "missingness_tiers",
    "neighbourhood",
]


CELLS = 16
NEAREST = 4
DIMENSIONS = 8
RIDGE = 0.03
BACKGROUND = 1e-5
ROWS = 100_000


def mask_statistics(masks: MaskConfig, values: Float64, layout: Layout) -> MaskStatistics:
    """Compute the statistics that the masks of a network follow.

    Args:
        masks: How orderings and degrees are chosen.
        values: Encoded rows, NaN where missing, shape `(rows, variables)`.
        layout: The variables.
    """
    places = within = None
    if masks.ordering == "smooth" or masks.reach is not None:
        joined = dependence_graph(values, layout)
        places = coordinates(joined) if masks.ordering == "smooth" else None
        within = neighbourhood(joined, masks.reach) if masks.reach is not None else None
    by_entropy = entropies(values) if masks.degrees == "entropy" else None
    return MaskStatistics(missingness_tiers(values), by_entropy, places, within)


def missingness_tiers(values: Float64) -> Int64:
    """Tiers of the variables by how often they are missing, for `MaskStatistics`.

    If a variable is missing at random (MAR), p(x_d given the variables that explain its
    missingness) is the same for observed and missing rows, but its marginal and its conditional on
    fewer variables are biased. Orderings therefore put rarely missing variables first: complete
    variables, then those missing in up to 1 %, 2 %, 4 % ... of rows. Within a tier any order is
    allowed, so that the members of an ensemble differ.

    Args:
        values: Encoded table, NaN where missing, shape `(rows, variables)`.

    Returns:
        Shape `(variables,)`: 0 where nothing is missing.
    """
    share = np.isnan(values).mean(axis=0)
    doublings = np.ceil(np.log2(np.maximum(share, 0.01) / 0.01)).astype(np.int64)
    return np.where(share > 0, 1 + doublings, 0)


def entropies(values: Float64) -> Float64:
    """Marginal entropy of each variable, its values cut into about sixteen cells.

    Cutting makes numbers and categories comparable: a number has some ln 16 nats, a balanced
    binary variable ln 2, and a constant none.

    Args:
        values: Encoded rows, NaN where missing, shape `(rows, variables)`.

    Returns:
        Nats, shape `(variables,)`.
    """
    result = np.zeros(values.shape[1])
    for variable, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if len(known) == 0:
            continue
        edges = np.quantile(known, np.arange(1, CELLS) / CELLS, method="inverted_cdf")
        # Below, at and above each edge, so that a frequent value has a cell of its own.
        cells = edges.searchsorted(known, "left") + edges.searchsorted(known, "right")
        shares = np.unique(cells, return_counts=True)[1] / len(known)
        result[variable] = (shares * np.log(1 / shares)).sum()
    return result


def dependence_graph(values: Float64, layout: Layout) -> Bool:
    """Graph of the variables with edges where partial correlation is large.

    Two variables are joined if one is among the four nearest of the other, and the other among the
    eight nearest of the one. The second condition keeps out variables that depend on little: their
    nearest ones are random, and edges to them would be short cuts between any two places.

    Args:
        values: Encoded rows, NaN where missing, shape `(rows, variables)`.
        layout: The variables.

    Returns:
        Symmetric, shape `(variables, variables)`; a variable that has one value is joined with
        none, not even itself, every other one is with itself too.
    """
    rows = torch.as_tensor(values[:ROWS], dtype=layout.value_dtype, device=layout.device)
    features = layout.features(rows, ~rows.isnan()).double().cpu().numpy()
    deviations = features.std(axis=0)
    varying = deviations > 0
    of_variable = layout.variable_of_input.cpu().numpy()[varying]
    variables, starts = np.unique(of_variable, return_index=True)
    joined = np.zeros((layout.variables, layout.variables), dtype=bool)
    if len(variables) < 2:
        joined[variables, variables] = True
        return joined
    covariances = np.cov((features[:, varying] / deviations[varying]).T)
    precision = np.linalg.inv(covariances + RIDGE * np.eye(len(covariances)))
    scale = 1 / np.sqrt(np.diag(precision))
    partial = np.square(scale[:, None] * precision * scale)
    strength = np.add.reduceat(np.add.reduceat(partial, starts, axis=0), starts, axis=1)
    np.fill_diagonal(strength, np.inf)
    rank = (-strength).argsort(axis=1, kind="stable").argsort(axis=1)
    nearest = (rank <= NEAREST) & (rank.T <= 2 * NEAREST)
    joined[np.ix_(variables, variables)] = nearest | nearest.T
    return joined


def coordinates(joined: Bool) -> Float64 | None:
    """Where each variable lies among those that it depends on, for `smooth_positions`.

    The graph is laid out by the smoothest functions on it, the first eigenvectors of its
    Laplacian, each as wide as it is smooth (Belkin and Niyogi, Laplacian Eigenmaps, 2003). The
    pixels of an image come to lie as in the image, without a word about which are neighbours.

    Args:
        joined: As of `dependence_graph`, shape `(variables, variables)`.

    Returns:
        Shape `(variables, dimensions)`, NaN of variables that are joined with none; None where
        fewer than three are with any.
    """
    variables = np.flatnonzero(np.diag(joined))
    if len(variables) < 3:
        return None
    # A little of every edge keeps what is not joined at all in one graph.
    weights = joined[np.ix_(variables, variables)] + BACKGROUND
    np.fill_diagonal(weights, 0.0)
    scale = 1 / np.sqrt(weights.sum(axis=1))
    smoothness, functions = np.linalg.eigh(scale[:, None] * weights * scale)
    kept = slice(-2, -2 - min(DIMENSIONS, len(variables) - 1), -1)
    places = functions[:, kept] * scale[:, None]
    places /= places.std(axis=0) * np.maximum(1 - smoothness[kept], BACKGROUND)
    result = np.full((len(joined), places.shape[1]), np.nan)
    result[variables] = places
    return result


def neighbourhood(joined: Bool, reach: int) -> Bool:
    """Which variables are at most so many steps apart, shape `(variables, variables)`.

    Args:
        joined: As of `dependence_graph`, same shape.
        reach: Most steps.
    """
    step = joined.astype(np.float32)
    within = step
    for _ in range(reach - 1):
        within = np.minimum(within @ step, 1.0)
    return within > 0

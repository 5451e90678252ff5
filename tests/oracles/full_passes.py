"""The plain algorithms: a full pass of the network for every variable.

Slow and short; what the fast paths answer is held equal to them.
"""

from collections.abc import Sequence

import numpy as np
import torch

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.columns.layout import Layout
from madeira.models.inference.member import Component, Member
from madeira.models.inference.weights.folded import FoldedNetwork, fold
from madeira.models.made import Mask
from madeira.models.made.ordering import in_tiers, variables_in_order

__all__ = ["FullPasses", "evidence_first_positions", "mask_for"]


def evidence_first_positions(
    positions: Int64, observed: Bool, last_observed: int | None = None
) -> Int64:
    """Return the ordering nearest to `positions`, `(D,)`, that puts observed variables first."""
    tiers = np.where(observed, 0, 2)
    if last_observed is not None:
        tiers[last_observed] = 1
    return in_tiers(positions, tiers)


def mask_for(component: Component, observed: Bool, last_observed: int | None = None) -> Mask | None:
    """Return the mask that puts the evidence of one pattern first, or None where there is none."""
    positions = evidence_first_positions(component.mask.positions, observed, last_observed)
    if np.array_equal(positions, component.mask.positions):
        return component.mask
    return component.mask.with_positions(positions) if component.any_order else None


class FullPasses:
    """The questions of `Density`, answered row by row: the same arguments, the same answers."""

    def __init__(self, members: Sequence[Member], layout: Layout, log_weights: Float64) -> None:
        self.members, self.layout, self.log_weights = tuple(members), layout, log_weights
        self.components = tuple(
            Component(index, mask, member.any_order)
            for index, member in enumerate(members)
            for mask in member.masks
        )

    def score(self, values: Float64) -> Float64:
        return np.array([self._score_row(row) for row in values])

    def contributions(self, values: Float64) -> Float64:
        result = np.full(values.shape, np.nan)
        for row, variable in np.argwhere(~np.isnan(values)):
            terms, log_weights, _ = self._evidence(values[row], int(variable))
            everything = terms.sum(axis=1)
            others = everything - terms[:, variable]
            result[row, variable] = np.logaddexp.reduce(others + log_weights)
            result[row, variable] -= np.logaddexp.reduce(everything + log_weights)
        return result

    def conditional(self, row: Float64, variable: int, codes: Float64) -> Float64:
        """Of each code, its mass or density given what is observed of a row, `(codes,)`.

        Under the any-order components, the variable right after the evidence; among the codes that
        can be drawn, which `unknown` is not.
        """
        able = [index for index, one in enumerate(self.components) if one.any_order]
        unknown = self.layout.columns[variable].unknown_code
        asked = codes if unknown is None else np.append(codes, unknown)
        log_weights, answers = [], []
        for index in able:
            component = self.components[index]
            mask = mask_for(component, ~np.isnan(row))
            assert mask is not None
            network = self.members[component.member].network
            log_weights.append(self.log_weights[index])
            log_weights[-1] += self._conditionals(fold(network, mask), row).sum()
            rows = np.tile(row, (len(asked), 1))
            rows[:, variable] = asked
            mask = mask_for(component, ~np.isnan(rows[0]), variable)
            assert mask is not None
            folded = fold(network, mask)
            masses = np.exp(self._all_conditionals(folded, rows)[:, variable])
            answers.append(masses if unknown is None else masses[:-1] / (1 - masses[-1]))
        weights = np.exp(np.array(log_weights) - np.logaddexp.reduce(log_weights))
        return np.asarray(weights @ np.array(answers))

    def sample(
        self,
        values: Float64,
        noise: Float64,
        temperature: float = 1.0,
        within_range: bool = False,
    ) -> Float64:
        pairs = zip(values, noise, strict=True)
        return np.array(
            [self._draw(row, uniforms, temperature, within_range) for row, uniforms in pairs]
        )

    def _score_row(self, row: Float64) -> float:
        terms, log_weights, _ = self._evidence(row)
        return float(np.logaddexp.reduce(terms.sum(axis=1) + log_weights))

    def _evidence(
        self, row: Float64, last_observed: int | None = None
    ) -> tuple[Float64, Float64, list[FoldedNetwork]]:
        """Conditionals of a row's observed values under each component that answers it.

        Beside any-order members, fixed orderings answer complete rows and draws without evidence.
        """
        observed = ~np.isnan(row)
        masks = [mask_for(k, observed, last_observed) for k in self.components]
        whole = last_observed is None and (observed.all() or not observed.any())
        if not whole and any(component.any_order for component in self.components):
            masks = [
                mask if component.any_order else None
                for component, mask in zip(self.components, masks, strict=True)
            ]
        usable = [index for index, mask in enumerate(masks) if mask is not None]
        log_weights = self.log_weights[usable] - np.logaddexp.reduce(self.log_weights[usable])
        folded = [
            fold(self.members[self.components[index].member].network, mask)
            for index, mask in enumerate(masks)
            if mask is not None
        ]
        terms = np.array([self._conditionals(network, row) for network in folded])
        return terms, log_weights, folded

    def _conditionals(self, folded: FoldedNetwork, row: Float64) -> Float64:
        """Log-likelihood of each observed value given those before it; 0 where missing."""
        return np.asarray(self._all_conditionals(folded, row[None])[0])

    @torch.inference_mode()
    def _all_conditionals(self, folded: FoldedNetwork, rows: Float64) -> Float64:
        part = torch.as_tensor(rows, dtype=torch.float32, device=self.layout.device)
        parameters = folded(self.layout.features(part, ~part.isnan()))
        terms = self.layout.log_prob(parameters, part)
        known: Float64 = torch.where(part.isnan(), 0.0, terms).double().cpu().numpy()
        return known

    @torch.inference_mode()
    def _draw(
        self, row: Float64, noise: Float64, temperature: float, within_range: bool
    ) -> Float64:
        """Draw what is missing, with a full pass for each variable."""
        if not np.isnan(row).any():
            return row
        terms, log_weights, folded = self._evidence(row)
        log_joint = terms.sum(axis=1) + log_weights
        posterior = np.exp(log_joint - np.logaddexp.reduce(log_joint))
        chosen = min(int((posterior.cumsum() < noise[0]).sum()), len(posterior) - 1)
        known = torch.as_tensor(row[None], dtype=torch.float32, device=self.layout.device)
        uniform = torch.as_tensor(noise[None, 1:], device=self.layout.device)
        result = row.copy()
        for variable in variables_in_order(folded[chosen].mask.positions):
            if np.isnan(row[variable]):
                head, _, outputs, draws = self.layout.single(int(variable))
                parameters = folded[chosen](self.layout.features(known, ~known.isnan()))
                value = head.sample(
                    parameters[:, outputs], uniform[:, draws], temperature, within_range
                )
                result[variable] = value.item()
                known[:, variable] = value[:, 0].to(known.dtype)
        return result

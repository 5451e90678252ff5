"""The density: a mixture over members and masks, and the questions it answers.

Everything here works on encoded arrays: `(rows, variables)`, float64, NaN where missing. The
algorithms are the plain ones: the masks of an ordering are folded into the weights once, and a
variable is drawn after a full pass with everything before it known.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from models.columns.layout import Layout
from models.errors import OrderingError
from models.inference.calibration import Reference
from models.inference.member import Component, Member
from models.inference.noise import draw_noise
from models.inference.patterns import by_pattern
from models.made.folded import FoldedNetwork, fold
from models.made.masks import Mask
from models.made.ordering import variables_in_order

__all__ = ["Density"]

Values = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

FOLDED_LIMIT_BYTES = 256 * 2**20
CHUNK_LIMIT_NUMBERS = 32 * 2**20


class Density:
    """A mixture of masked networks over the variables of a layout.

    log p(x) = logsumexp_k(log w_k + log p_k(x)) over the components k, one for each mask of each
    member. A row with missing values is answered by the components whose ordering puts its
    observed variables first, which any-order members always can, with their weights normalised.

    Args:
        members: The trained networks; all of one layout and on its device.
        layout: The variables.
        log_weights: Logarithm of each component's weight, members in order and their masks in
            order, shape `(components,)`.
        reference: Rows that anomaly scores are calibrated against.
    """

    def __init__(
        self,
        members: Sequence[Member],
        layout: Layout,
        log_weights: Values,
        reference: Reference | None = None,
    ) -> None:
        self.members = tuple(members)
        self.layout = layout
        self.log_weights = np.asarray(log_weights, dtype=np.float64)
        self.reference = reference
        self.components = tuple(
            Component(index, mask, member.any_order)
            for index, member in enumerate(self.members)
            for mask in member.masks
        )
        self._folded: OrderedDict[tuple[int, bytes], FoldedNetwork] = OrderedDict()

    @property
    def variables(self) -> int:
        """Number of variables D."""
        return self.layout.variables

    @property
    def noise_width(self) -> int:
        """Uniforms that one drawn row takes: one to choose a component, the rest to draw."""
        return 1 + self.layout.noise

    def calibrated(self, rows: int, generator: np.random.Generator) -> "Density":
        """The same density with reference rows of its own, in the precision that is stored."""
        nothing = np.full((rows, self.variables), np.nan)
        drawn = self.sample(nothing, draw_noise(rows, self.noise_width, generator))
        reference = Reference(drawn.astype(np.float32).astype(np.float64))
        return Density(self.members, self.layout, self.log_weights, reference)

    def score(self, values: Values) -> Values:
        """Log-likelihood of what is observed of each row.

        Args:
            values: Shape `(rows, variables)`.

        Returns:
            Nats, shape `(rows,)`; 0 for a row of which nothing is observed.

        Raises:
            OrderingError: No component can put the evidence of some row first.
        """
        result = np.zeros(len(values))
        for observed, rows in by_pattern(values):
            if observed.any():
                scores, log_weights, _ = self._evidence(values[rows], observed)
                result[rows] = np.logaddexp.reduce(scores + log_weights, axis=1)
        return result

    def component_scores(self, values: Values) -> Values:
        """Log-likelihood of complete rows under each component.

        Args:
            values: Complete rows, shape `(rows, variables)`.

        Returns:
            Nats, shape `(rows, components)`.
        """
        scores, _, _ = self._evidence(values, np.ones(self.variables, dtype=bool))
        return scores

    def anomaly_score(self, values: Values, log_likelihood: Values) -> Values:
        """How rare each row is among rows of the model with the same variables observed.

        Args:
            values: Shape `(rows, variables)`.
            log_likelihood: What `score` gave for them, shape `(rows,)`.

        Returns:
            In [0, 1], shape `(rows,)`: 1 minus the share of reference rows less likely.
        """
        if self.reference is None:
            raise RuntimeError("this density has no reference rows")
        result = np.zeros(len(values))
        for observed, rows in by_pattern(values):
            if observed.any():
                result[rows] = self.reference.rarity(self.score, observed, log_likelihood[rows])
        return result

    def contributions(self, values: Values) -> Values:
        """Surprise of each observed value given all the others that are observed.

        The variable is put last among the evidence, so that -log p(x_d | others) is a difference
        of two exact log-likelihoods.

        Args:
            values: Shape `(rows, variables)`.

        Returns:
            Nats, shape `(rows, variables)`, NaN where missing.
        """
        result = np.full(values.shape, np.nan)
        for observed, rows in by_pattern(values):
            for variable in np.flatnonzero(observed):
                chosen, log_weights, masks = self._candidates(observed, int(variable))
                table = values[rows]
                terms = np.stack(
                    [self._conditionals(k, m, table) for k, m in zip(chosen, masks, strict=True)]
                )
                others = terms[:, :, np.arange(self.variables) != variable].sum(axis=2)
                everything = others + terms[:, :, variable]
                weights = log_weights[:, None]
                result[rows, variable] = np.logaddexp.reduce(
                    others + weights
                ) - np.logaddexp.reduce(everything + weights)
        return result

    def sample(self, values: Values, noise: Values, temperature: float = 1.0) -> Values:
        """Rows drawn given their evidence.

        Args:
            values: Evidence, NaN for what is to be drawn, shape `(rows, variables)`. Rows of NaN
                alone give unconditional samples.
            noise: Uniform in (0, 1), shape `(rows, noise_width)`.
            temperature: Above 1 draws rarer values, below 1 more typical ones.

        Returns:
            Shape `(rows, variables)`; the evidence as it was.

        Raises:
            OrderingError: No component can put the evidence of some row first.
        """
        result = values.copy()
        for observed, rows in by_pattern(values):
            if observed.all():
                continue
            scores, log_weights, masks = self._evidence(values[rows], observed)
            choice = _choose(scores + log_weights, noise[rows, 0])
            for index, (component, mask) in enumerate(masks):
                drawn = rows[choice == index]
                for chunk in self._chunks(len(drawn)):
                    part = drawn[chunk]
                    result[part] = self._draw(
                        self._fold(component, mask), values[part], noise[part, 1:], temperature
                    )
        return result

    def _candidates(
        self, observed: Booleans, last_observed: int | None = None
    ) -> tuple[list[Component], Values, list[Mask]]:
        """Components that can put the evidence first, their log-weights and masks."""
        masks = [component.mask_for(observed, last_observed) for component in self.components]
        usable = [index for index, mask in enumerate(masks) if mask is not None]
        if not usable:
            raise OrderingError(
                "this model was trained on fixed orderings alone, and none of them puts the "
                "observed columns first; train it with an any-order member"
            )
        log_weights = self.log_weights[usable]
        log_weights = log_weights - np.logaddexp.reduce(log_weights)
        chosen = [mask for mask in masks if mask is not None]
        return [self.components[index] for index in usable], log_weights, chosen

    def _evidence(
        self, values: Values, observed: Booleans
    ) -> tuple[Values, Values, list[tuple[Component, Mask]]]:
        """Log-likelihood of rows of one pattern under each usable component."""
        components, log_weights, masks = self._candidates(observed)
        pairs = list(zip(components, masks, strict=True))
        if not observed.any():
            return np.zeros((len(values), len(pairs))), log_weights, pairs
        scores = [self._conditionals(k, m, values).sum(axis=1) for k, m in pairs]
        return np.stack(scores, axis=1), log_weights, pairs

    @torch.inference_mode()
    def _conditionals(self, component: Component, mask: Mask, values: Values) -> Values:
        """Log-likelihood of each observed value given those before it; 0 where missing."""
        folded = self._fold(component, mask)
        result = np.zeros(values.shape)
        for chunk in self._chunks(len(values)):
            part = self._tensor(values[chunk])
            parameters = folded(self.layout.features(part, ~part.isnan()))
            terms = self.layout.log_prob(parameters, part)
            result[chunk] = torch.where(part.isnan(), 0.0, terms).cpu().numpy()
        return result

    @torch.inference_mode()
    def _draw(
        self, folded: FoldedNetwork, values: Values, noise: Values, temperature: float
    ) -> Values:
        """Draw what is missing of rows of one pattern, a full pass for each variable."""
        known = self._tensor(values)
        uniform = torch.as_tensor(noise, device=self.layout.device)
        missing = np.isnan(values[0])
        for variable in variables_in_order(folded.mask.positions):
            if missing[variable]:
                head, _, outputs, draws = self.layout.single(int(variable))
                parameters = folded(self.layout.features(known, ~known.isnan()))
                value = head.sample(parameters[:, outputs], uniform[:, draws], temperature)
                known[:, variable] = value[:, 0].to(known.dtype)
        return np.where(missing, known.cpu().numpy().astype(np.float64), values)

    def _tensor(self, values: Values) -> torch.Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=self.layout.device)

    def _chunks(self, rows: int) -> Iterator[slice]:
        """Cuts that keep the largest intermediate array within bounds, whatever the request."""
        widest = max(
            self.layout.inputs,
            self.layout.outputs,
            *(width for member in self.members for width in member.network.config.hidden),
            1,
        )
        size = max(1, CHUNK_LIMIT_NUMBERS // widest)
        return (slice(start, start + size) for start in range(0, rows, size))

    def _fold(self, component: Component, mask: Mask) -> FoldedNetwork:
        """The folded weights of a component under a mask, most recently used kept."""
        key = (id(component), mask.positions.tobytes())
        folded = self._folded.pop(key, None)
        if folded is None:
            folded = fold(self.members[component.member].network, mask)
        self._folded[key] = folded
        total = sum(entry.size_bytes for entry in self._folded.values())
        while total > FOLDED_LIMIT_BYTES and len(self._folded) > 1:
            total -= self._folded.popitem(last=False)[1].size_bytes
        return folded


def _choose(log_joint: Values, noise: Values) -> npt.NDArray[np.int64]:
    """Component of each row by its posterior: `(rows, components)`, `(rows,)` -> `(rows,)`."""
    posterior = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    cumulative = np.cumsum(posterior, axis=1)
    return np.minimum((cumulative < noise[:, None]).sum(axis=1), log_joint.shape[1] - 1)

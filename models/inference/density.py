"""The density: a mixture over members and masks, and the questions it answers.

Everything here works on encoded arrays: `(rows, variables)`, float64, NaN where missing. This
file is the mixture's arithmetic; `engine.py` evaluates its components, `walk.py` says how.
"""

from collections.abc import Hashable, Iterator, Sequence
from functools import partial

import numpy as np

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.columns.choice import MIN_TEMPERATURE
from madeira.models.columns.layout import Layout
from madeira.models.errors import NumericalError, OrderingError
from madeira.models.inference.calibration import Calibration, calibrate
from madeira.models.inference.engine import Engine
from madeira.models.inference.member import Component, Member
from madeira.models.inference.patterns import runs
from madeira.models.inference.predictive import Predictive, drawn, read
from madeira.models.made.ordering import evidence_first

__all__ = ["Density", "rarity", "warm_up"]


CELLS_AT_ONCE = 16_384
MAX_KEPT_NUMBERS = 4 * 2**20


class Density:
    """A mixture of masked networks over the variables of a layout.

    log p(x) = logsumexp_k(log w_k + log p_k(x)) over the components k, one for each mask of each
    member. A row with missing values is answered by any-order members, which put its
    observed variables first, with the weights of their components normalised; where there are
    none, by the components whose ordering happens to.

    Args:
        members: The trained networks; all of one layout and on its device.
        layout: The variables.
        log_weights: Logarithm of each component's weight, members in order and their masks in
            order, shape `(components,)`.
        calibration: Of anomaly scores; none changes nothing.
        joint: The same any-order members as a density of the columns and of the variables that
            are derived from them, such as which cells are null; None where there are none.
    """

    def __init__(
        self,
        members: Sequence[Member],
        layout: Layout,
        log_weights: Float64,
        calibration: Calibration | None = None,
        joint: "Density | None" = None,
    ) -> None:
        self.joint = joint
        self.members = tuple(members)
        self.layout = layout
        self.log_weights = np.asarray(log_weights, dtype=np.float64)
        self.calibration = calibration or Calibration.identity()
        self.components = tuple(
            Component(index, mask, member.any_order)
            for index, member in enumerate(self.members)
            for mask in member.masks
        )
        self._orders = np.stack([component.order for component in self.components])
        alike: dict[Hashable, int] = {}
        self._walk_of = np.array(
            [alike.setdefault(one.degrees_key, k) for k, one in enumerate(self.components)]
        )
        self._engine = Engine(self.members, layout)

    @property
    def variables(self) -> int:
        """Number of variables D."""
        return self.layout.variables

    @property
    def noise_width(self) -> int:
        """Uniforms that one drawn row takes: one to choose a component, the rest to draw."""
        return 1 + self.layout.noise

    def calibrated(self, rows: Float64) -> "Density":
        """Return the same density, its anomaly scores calibrated by rows not learned from.

        Args:
            rows: Encoded rows, NaN where missing, `(rows, variables)`; those of fixed orderings
                need to be complete.
        """
        _, p = self._row_tails(rows)
        calibration = calibrate(p[~np.isnan(rows).all(axis=1)])
        return Density(self.members, self.layout, self.log_weights, calibration, self.joint)

    def beside(self, joint: "Density") -> "Density":
        """Return the same density with one of columns and derived variables beside it."""
        return Density(self.members, self.layout, self.log_weights, self.calibration, joint)

    def score(self, values: Float64) -> Float64:
        """Log-likelihood of the observed values of each row.

        Args:
            values: Shape `(rows, variables)`.

        Returns:
            Nats, shape `(rows,)`; 0 for a row of which nothing is observed.

        Raises:
            OrderingError: No component can put the evidence of some row first.
            NumericalError: A log-likelihood is not finite.
        """
        return self._scored(values, ~np.isnan(values))[0]

    def component_scores(self, values: Float64) -> Float64:
        """Log-likelihood of complete rows under each component.

        Args:
            values: Complete rows, shape `(rows, variables)`.

        Returns:
            Nats, shape `(rows, components)`.
        """
        return self._engine.score_complete(self.components, values)

    def log_tails(self, values: Float64) -> tuple[Float64, Float64]:
        """How likely each row is, and how rare rows are that surprise as much.

        Args:
            values: Shape `(rows, variables)`.

        Returns:
            What `score` gives; and the logarithm of the share of real rows that are at least as
            surprising, 0 where nothing is observed. Each `(rows,)`.

        Raises:
            OrderingError: No component can put the evidence of some row first.
            NumericalError: A log-likelihood is not finite.
        """
        log_likelihood, p = self._row_tails(values)
        return log_likelihood, self.calibration.log_tail(p)

    def anomaly_score(self, values: Float64) -> Float64:
        """How rare it is that a row surprises as much as each of these.

        Returns:
            1 minus the share of real rows that are at least as surprising, in [0, 1], `(rows,)`.

        Raises:
            OrderingError: No component can put the evidence of some row first.
            NumericalError: A log-likelihood is not finite.
        """
        return rarity(self.log_tails(values)[1])

    def ordering_spread(self, values: Float64) -> Float64:
        """How far the orderings of the any-order members differ on each row.

        Args:
            values: Shape `(rows, variables)`.

        Returns:
            Standard deviation of the log-likelihood of what is observed over the components,
            nats, shape `(rows,)`; 0 without any-order members.
        """
        able = [index for index, component in enumerate(self.components) if component.any_order]
        if not able:
            return np.zeros(len(values))
        log_weights = np.full((len(values), len(self.components)), -np.inf)
        log_weights[:, able] = 0.0
        return np.asarray(self._scores(values, ~np.isnan(values), log_weights)[:, able].std(axis=1))

    def contributions(self, values: Float64) -> Float64:
        """Surprise of each observed value given all the others that are observed.

        The variable is put last among the evidence, so that -log p(x_d | others) is a difference
        of two exact log-likelihoods.

        Args:
            values: Shape `(rows, variables)`.

        Returns:
            Nats, shape `(rows, variables)`, NaN where missing.

        Raises:
            OrderingError: No component can put some value after all others.
            NumericalError: A contribution is not finite.
        """
        return self._given_the_rest(values, tails=False)[0]

    def cell_anomaly(self, values: Float64) -> Float64:
        """How rare each observed value is given all the others that are observed.

        Args:
            values: Shape `(rows, variables)`.

        Returns:
            1 minus the share of values of the conditional that are more surprising, and of half of
            those that are as surprising, in [0, 1], shape `(rows, variables)`, NaN where missing.

        Raises:
            OrderingError: No component can put some value after all others.
            NumericalError: A likelihood is not finite.
        """
        return 1.0 - self.cell_tails(values)

    def cell_tails(self, values: Float64) -> Float64:
        """Tail probability of each observed value given all the others; see `cell_anomaly`."""
        return self._given_the_rest(values, tails=True)[1]

    def _given_the_rest(self, values: Float64, tails: bool) -> tuple[Float64, Float64]:
        """Surprise and, if asked, tail probability of each cell given all others of its row."""
        surprise, tail = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
        rows, variables = np.nonzero(~np.isnan(values))
        widest = max(
            self.layout.single(d)[2].stop - self.layout.single(d)[2].start
            for d in range(self.variables)
        )
        numbers = len(self.components) * widest if tails else 1
        at_once = max(1, min(CELLS_AT_ONCE, MAX_KEPT_NUMBERS // numbers))
        for start in range(0, len(rows), at_once):
            row, last = rows[start : start + at_once], variables[start : start + at_once]
            table = values[row]
            observed = ~np.isnan(table)
            everything = self._log_weights(observed, last)
            others = everything.copy()
            kept = np.zeros((len(row), len(self.components), widest if tails else 0), np.float32)
            for index, component in enumerate(self.components):
                answered = np.flatnonzero(everything[:, index] > -np.inf)
                question = component, table[answered], observed[answered], last[answered]
                if tails:
                    terms, kept[answered, index] = self._engine.score_last(*question)
                else:
                    terms = self._engine.score_evidence(*question)
                everything[answered, index] += terms[:, 0]
                others[answered, index] += terms[:, 0] - terms[:, 1]
            with np.errstate(invalid="ignore"):  # what is not finite is refused below
                known = np.logaddexp.reduce(others, axis=1)
                difference = known - np.logaddexp.reduce(everything, axis=1)
            surprise[row, last] = _finite(difference, "contribution")
            if tails:
                shares = np.exp(others - known[:, None])
                tail[row, last] = self._engine.cell_tails(last, table, kept, shares)
        return surprise, tail

    def sample(
        self,
        values: Float64,
        noise: Float64,
        temperature: float = 1.0,
        within_range: bool = False,
    ) -> Float64:
        """Rows drawn given their evidence.

        Args:
            values: Evidence, NaN where to draw, shape `(rows, variables)`. Rows of NaN
                alone give unconditional samples.
            noise: Uniform in (0, 1), shape `(rows, noise_width)`.
            temperature: Above 1 draws rarer values, below 1 more typical ones.
            within_range: Whether numbers and instants are drawn from their distribution between
                the smallest and the largest value seen in training.

        Returns:
            Shape `(rows, variables)`; the evidence as it was.

        Raises:
            OrderingError: No component can put the evidence of some row first.
            NumericalError: A drawn value is not finite.
        """
        temperature = max(temperature, MIN_TEMPERATURE)
        observed = ~np.isnan(values)
        if len(self.components) == 1 and not observed.any():
            component = self.components[0]
            result = self._engine.draw(component, values, noise, temperature, within_range)
            return _finite(result, "drawn value")
        result = values.copy()
        rows = np.flatnonzero(~observed.all(axis=1))
        chosen = self.choose(values[rows], noise[rows, 0])
        result[rows] = self.draw(chosen, values[rows], noise[rows], temperature, within_range)
        return _finite(result, "drawn value")

    def draw(
        self,
        chosen: Int64,
        values: Float64,
        noise: Float64,
        temperature: float,
        within_range: bool,
        last: Bool | None = None,
    ) -> Float64:
        """Draw what is missing of rows, each by one component; see `sample`.

        Args:
            chosen: The component of each row, `(rows,)`.
            values: Evidence, NaN where to draw, shape `(rows, variables)`.
            noise: Uniform in (0, 1), shape `(rows, noise_width)`.
            temperature: At least `MIN_TEMPERATURE`.
            within_range: As of `sample`.
            last: Variables to draw after all others, same shape; any-order components can.

        Raises:
            NumericalError: A drawn value is not finite.
        """
        result = values.copy()
        for index in np.unique(chosen):
            rows = np.flatnonzero(chosen == index)
            component = self.components[index]
            order = None if last is None else evidence_first(component.order, ~last[rows])
            result[rows] = self._engine.draw(
                component, values[rows], noise[rows], temperature, within_range, order
            )
        return _finite(result, "drawn value")

    def predictive(self, values: Float64, within_range: bool = False) -> Iterator[Predictive]:
        """Yield the distribution of each missing variable given all that is observed of its row.

        Exact under the components that can put it right after the evidence, the any-order ones,
        mixed by their posterior given the evidence. A density without any gives draws instead.
        Arguments and errors are those of `sample`.

        Yields:
            One variable and some rows that miss it at a time.
        """
        able = [index for index, component in enumerate(self.components) if component.any_order]
        if not able:
            sample = partial(self.sample, within_range=within_range)
            yield from drawn(values, self.layout, sample)
        for rows in self._engine.predictive_chunks(len(values) if able else 0):
            part = values[rows]
            log_weights = np.full((len(part), len(self.components)), -np.inf)
            log_weights[:, able] = self.log_weights[able]
            joint = self._scores(part, ~np.isnan(part), log_weights)[:, able]
            posterior = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
            parameters = self._engine.predictive([self.components[k] for k in able], part)
            yield from read(self.layout, part, parameters, posterior, within_range, rows.start)

    def prepare(self) -> None:
        """Prepare the weights of every component, as far as the budget goes."""
        for component in self.components:
            self._engine.prepare(component)

    def _scored(self, values: Float64, observed: Bool) -> tuple[Float64, Float64]:
        """Log-likelihood of each row, and log-weight plus that under each component."""
        scores = self._scores(values, observed, self._log_weights(observed))
        with np.errstate(invalid="ignore"):  # what is not finite is refused below
            total = np.where(observed.any(axis=1), np.logaddexp.reduce(scores, axis=1), 0.0)
        return _finite(total, "log-likelihood"), scores

    def _row_tails(self, values: Float64) -> tuple[Float64, Float64]:
        """Log-likelihood and tail probability of each row under the model, each `(rows,)`.

        The cells of a row are judged under the component that its own values make likeliest.
        """
        observed = ~np.isnan(values)
        log_likelihood, scores = self._scored(values, observed)
        chosen = scores.argmax(axis=1)
        walks = np.where(observed.any(axis=1), self._walk_of[chosen], -1)
        p = np.ones(len(values))
        for walk in set(walks.tolist()) - {-1}:
            rows = np.flatnonzero(walks == walk)
            parts = values[rows], observed[rows], self._orders[chosen[rows]]
            p[rows] = self._engine.row_tails(self.components[walk], *parts)
        return log_likelihood, p

    def choose(self, values: Float64, noise: Float64) -> Int64:
        """Draw the component of each row from its posterior given the evidence.

        Rows that repeat the one before them, as several draws for one row do, share its
        posterior.

        Args:
            values: Evidence, NaN where missing, shape `(rows, variables)`.
            noise: Uniform in (0, 1), shape `(rows,)`.

        Returns:
            Shape `(rows,)`.

        Raises:
            OrderingError: No component can put the evidence of some row first.
        """
        observed = ~np.isnan(values)
        first, run = runs(values)
        log_weights = self._log_weights(observed[first])
        certain = (log_weights > -np.inf).sum(axis=1) == 1
        log_joint = np.where(log_weights > -np.inf, 0.0, -np.inf)
        uncertain = ~certain
        known = first[uncertain]
        log_joint[uncertain] = self._scores(values[known], observed[known], log_weights[uncertain])
        posterior = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
        cumulative = np.cumsum(posterior, axis=1)
        cumulative[:, -1] = np.inf
        possible = cumulative[run] >= noise[:, None]
        chosen: Int64 = possible.argmax(axis=1)
        return chosen

    def _log_weights(self, observed: Bool, last_observed: Int64 | None = None) -> Float64:
        """Log-weight of every component for every row, those that do not answer it at -inf.

        Where there are any-order members, those of fixed orderings answer complete rows and rows
        of which nothing is known, and no others: a conditional is then the same for every question
        that comes to it.

        Returns:
            Shape `(rows, components)`, normalised over those that answer.

        Raises:
            OrderingError: No component answers some row.
        """
        answers = np.stack(
            [component.answers(observed, last_observed) for component in self.components], axis=1
        )
        any_order = np.array([component.any_order for component in self.components])
        if any_order.any():
            whole: Bool = np.logical_or(observed.all(axis=1), ~observed.any(axis=1))
            if last_observed is not None:
                whole = np.zeros_like(whole)
            answers &= any_order | whole[:, None]
        log_weights = np.where(answers, self.log_weights, -np.inf)
        total = np.logaddexp.reduce(log_weights, axis=1, keepdims=True)
        if (total == -np.inf).any():
            raise OrderingError(
                "this model was trained on fixed orderings alone, and none of them puts the "
                "observed columns first; train it with an any-order member"
            )
        normalised: Float64 = log_weights - total
        return normalised

    def _scores(self, values: Float64, observed: Bool, log_weights: Float64) -> Float64:
        """Log-weight plus log-likelihood of the evidence, by component: `(rows, components)`."""
        result = log_weights.copy()
        every = observed.all(axis=1)
        complete = np.flatnonzero(every)
        gappy = ~every & observed.any(axis=1)
        if len(complete):
            rows = values if len(complete) == len(values) else values[complete]
            result[complete] += self._engine.score_complete(self.components, rows)
        for index, component in enumerate(self.components):
            walked = np.flatnonzero(gappy & (log_weights[:, index] > -np.inf))
            if len(walked):
                terms = self._engine.score_evidence(component, values[walked], observed[walked])
                result[walked, index] += terms[:, 0]
        return result


def _finite(result: Float64, what: str) -> Float64:
    """Return a result of which every number is finite.

    Raises:
        NumericalError: Some number is not finite.
    """
    if not np.isfinite(result).all():
        raise NumericalError(f"a {what} is not a finite number")
    return result


def rarity(log_tail: Float64) -> Float64:
    """Return 1 minus the share of rows that are as surprising, of its logarithm."""
    return np.asarray(-np.expm1(log_tail))


def warm_up(density: Density) -> None:
    """Prepare a density for its first request: compiles, or reads from disk, and folds weights.

    Args:
        density: One that is about to be served.
    """
    density.prepare()
    noise = np.full((1, density.noise_width), 0.5)
    rows = density.sample(np.full((1, density.variables), np.nan), noise)
    density.anomaly_score(rows)
    if any(member.any_order for member in density.members):
        for cells in density.predictive(np.full_like(rows, np.nan)):
            if density.layout.columns[cells.variable].discrete:
                cells.most_probable()
            else:
                cells.quantiles((0.5,), "mean")
        rows[:, 1:] = np.nan
        density.score(rows)
        density.cell_anomaly(rows)
        density.sample(rows, noise)
    if density.joint is not None:
        density.joint.prepare()

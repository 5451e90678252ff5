"""How likely are these rows?"""

from collections.abc import Sequence
from dataclasses import dataclass

from madeira.app.codecs.answers import Scores
from madeira.app.codecs.reasons import reasons_of
from madeira.app.codecs.unseen import CellWarning
from madeira.app.engine import Work
from madeira.app.jobs import ScoreJob, ScoreResult, cost_of_scoring
from madeira.app.plane.call import Call
from madeira.app.plane.parsing import check_cost, parse_request
from madeira.app.registry import Registry, ServedModel
from madeira.app.schemas.score import ScoreOptions
from madeira.app.settings import Settings
from madeira.models.arrays import Float64
from madeira.models.inference.reasons import MAX_LIKELY, MAX_REASONS

__all__ = ["Scoring"]


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """A request for scores.

    It does not hold the rows as they were sent: those of hundreds of requests that wait are very
    many objects, which the garbage collector would look at again and again.

    Attributes:
        model: The model that scores.
        options: The options, checked.
        values: `(rows, D)`, NaN where missing.
        warnings: Of unseen categories.
    """

    model: ServedModel
    options: ScoreOptions
    values: Float64
    warnings: Sequence[CellWarning]

    @classmethod
    def read(cls, call: Call, registry: Registry, settings: Settings) -> "Scoring":
        """Parse a call.

        Args:
            call: The request.
            registry: The models.
            settings: The limits.

        Raises:
            RequestError: Something is wrong with the request, or it is over a limit.
        """
        parsed = parse_request(call, ScoreOptions, registry, settings)
        rows, columns = len(parsed.table), len(parsed.model.schema.columns)
        options = parsed.options
        each = cost_of_scoring(
            columns, options.contributions or options.cell_anomaly or options.reasons
        )
        reasons = f"{rows} rows" + (
            "" if each == 1 else f" at {each} each: 1, and 1 for the cell of each column"
        )
        check_cost(rows * each, settings.request_limit_cost, reasons)
        results = 2 + (options.contributions + options.cell_anomaly) * columns
        results += options.reasons * MAX_REASONS * (2 + MAX_LIKELY)
        call.memory.take(8 * rows * (columns + results))
        _, values, warnings = parsed.encoded()
        return cls(parsed.model, parsed.options, values, warnings)

    def work(self, most_rows: int) -> Work[ScoreResult]:
        """Return the work, in jobs of at most so many rows."""
        key, values, options = self.model.key, self.values, self.options
        by_cell = options.contributions or options.cell_anomaly or options.reasons
        reasons = 1 - options.contamination if options.reasons else None
        wanted = options.contributions, options.cell_anomaly, reasons, options.null_pattern
        return Work(
            kind=ScoreJob,
            model=key,
            rows=len(values),
            row_cost=cost_of_scoring(values.shape[1], by_cell),
            most_rows=most_rows,
            row_bytes=0,
            job=lambda start, stop: ScoreJob(key, values[start:stop], *wanted),
        )

    def answer(self, result: ScoreResult) -> Scores:
        """Return the answer, once all has been computed."""
        return Scores(
            model=self.model.key,
            schema=self.model.schema,
            warnings=self.warnings,
            seed=None,
            log_likelihood=result.log_likelihood,
            anomaly_score=result.anomaly_score,
            is_anomaly=result.anomaly_score > 1 - self.options.contamination,
            contributions=result.contributions,
            cell_anomaly=result.cell_anomaly,
            reasons=None
            if result.reasons is None
            else reasons_of(self.model.schema, self.values, result.reasons, self.warnings),
        )

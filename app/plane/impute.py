"""What may stand in the gaps of these rows?"""

from collections.abc import Sequence
from dataclasses import dataclass

from madeira.app.codecs.answers import FilledTable
from madeira.app.codecs.request_tables import RequestTable
from madeira.app.codecs.unseen import CellWarning
from madeira.app.engine import Work
from madeira.app.errors import InvalidInputError
from madeira.app.jobs import ImputeJob, ImputeResult, costs_of_filling
from madeira.app.plane.call import Call
from madeira.app.plane.parsing import check_cost, parse_request
from madeira.app.plane.seed import pick_seed
from madeira.app.registry import Registry, ServedModel
from madeira.app.schemas.impute import ImputeOptions
from madeira.app.settings import Settings
from madeira.models.arrays import Float64
from madeira.models.inference.noise import draw_noise, noise_generator

__all__ = ["Imputing"]

ARRAYS = 4
"""Numbers of a cell: the value of the request, and the certainty of the draws."""


@dataclass(frozen=True, slots=True, eq=False)
class Imputing:
    """A request for filled rows.

    Attributes:
        model: The model that fills them.
        options: The options, checked.
        table: The rows as they were sent.
        values: The same encoded, `(rows, D)`, NaN where missing.
        warnings: Of unseen categories.
        costs: `(rows,)`; see `madeira.app.jobs`.
        seed: Where the noise comes from.
        sent_bytes: Size of the body.
    """

    model: ServedModel
    options: ImputeOptions
    table: RequestTable
    values: Float64
    warnings: Sequence[CellWarning]
    costs: Float64
    seed: int
    sent_bytes: int

    @classmethod
    def read(cls, call: Call, registry: Registry, settings: Settings) -> "Imputing":
        """Parse a call.

        Args:
            call: The request.
            registry: The models.
            settings: The limits.

        Raises:
            RequestError: Something is wrong with the request, or it is over a limit.
        """
        parsed = parse_request(call, ImputeOptions, registry, settings, left_out=True)
        model, options, rows = parsed.model, parsed.options, len(parsed.table)
        _check_draws(rows, options, settings)
        call.memory.take(8 * rows * len(model.schema.columns) * (ARRAYS + options.draws))
        table, values, warnings = parsed.encoded()
        if options.fill_all:
            values = model.schema.without_null_values(values)
        costs = costs_of_filling(values, options.draws)
        check_cost(
            float(costs.sum()),
            settings.request_limit_cost,
            f"{rows} rows, and 1 for each missing cell and draw",
        )
        call.answer_format.check_filled(table)
        seed = pick_seed(options.seed)
        return cls(model, options, table, values, warnings, costs, seed, len(call.content))

    def work(self, most_rows: int) -> Work[ImputeResult]:
        """Return the work, in jobs that fill at most so many rows.

        Noise is drawn row by row, so jobs of any size give the same.
        """
        options, key, width, values = (
            self.options, self.model.key, self.model.noise_width, self.values
        )  # fmt: skip
        generator = noise_generator(self.seed)

        def job(start: int, stop: int) -> ImputeJob:
            noise = draw_noise((stop - start) * options.draws, width, generator)
            return ImputeJob(
                model=key,
                values=values[start:stop],
                noise=noise.reshape(stop - start, options.draws, width),
                draws=options.draws,
                estimate=options.estimate,
                within_range=options.within_range,
            )

        return Work(
            kind=ImputeJob,
            model=key,
            rows=len(values),
            row_cost=float(self.costs[0]) if len(self.costs) == 1 else self.costs,
            most_rows=max(1, most_rows // options.draws),
            row_bytes=8 * options.draws * width,
            job=job,
        )

    def answer(self, result: ImputeResult) -> FilledTable:
        """Return the answer, once all has been computed."""
        return FilledTable(
            model=self.model.key,
            schema=self.model.schema,
            warnings=self.warnings,
            seed=self.seed,
            table=self.table,
            values=self.values,
            result=result,
            sent_bytes=self.sent_bytes,
        )


def _check_draws(rows: int, options: ImputeOptions, settings: Settings) -> None:
    draws, estimate = options.draws, options.estimate
    if draws > settings.draws_limit:
        raise InvalidInputError(f"`draws` must be at most {settings.draws_limit}, not {draws}.")
    if draws > 1 and estimate != "draw":
        raise InvalidInputError(
            f"`draws` = {draws} contradicts `estimate` = {estimate!r}: a point estimate would be "
            "the same in every table. Leave one of them out."
        )
    if rows * draws > settings.request_limit_rows:
        raise InvalidInputError(
            f"{rows} rows in {draws} draws are over the limit of "
            f"{settings.request_limit_rows} rows; send several requests."
        )

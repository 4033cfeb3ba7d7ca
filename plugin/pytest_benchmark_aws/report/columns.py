"""The columns of a comparison: what each shows, and its value in base units for other programs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_benchmark_aws.core.compare.records import Record
from pytest_benchmark_aws.core.compare.rows import Row
from pytest_benchmark_aws.core.compare.tables import Table
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.core.values.units import format_memory, format_rate
from pytest_benchmark_aws.core.values.usd import format_run_usd

Value = str | int | float | Decimal | None
BLANK = "-"
NOT_ENOUGH = "not enough launches"


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    """As --columns and --sort name it, and as the machine-readable formats do."""
    title: str
    """As the table shows it; ``{unit}`` is the unit of work."""
    value: Callable[[Row], Value]
    """In seconds, bytes, USD, or a plain number or text; None where it is not known."""
    text: Callable[[Row], str] | None = None
    """As people read it; the value itself where None."""
    left: bool = False

    def shown(self, row: Row) -> str:
        """The cell."""
        value = self.value(row)
        if value is None:
            return BLANK
        return self.text(row) if self.text else str(value)


def _last(read: Callable[[Record], Value]) -> Callable[[Row], Value]:
    return lambda row: read(row.records[-1])


def _seconds(read: Callable[[Row], float]) -> Callable[[Row], str]:
    return lambda row: format_seconds(read(row))


def _interval(row: Row) -> str:
    if row.is_reference:
        return "reference"
    if row.speed is None or row.speed.low is None or row.speed.high is None:
        return NOT_ENOUGH
    sure = ("▲" if row.speed.value > 1 else "▼") if row.differs else "≈"
    return f"{row.speed.low:.3f} - {row.speed.high:.3f} {sure}"


def _interval_value(row: Row) -> Value:
    if row.speed is None or row.is_reference:
        return None if row.speed is None else "reference"
    return NOT_ENOUGH if row.speed.low is None else f"{row.speed.low!r} {row.speed.high!r}"


def _spread(row: Row) -> str:
    rounds = sum(record.round_count for record in row.records)
    return "1 round" if rounds == 1 else f"{format_seconds(row.low)} - {format_seconds(row.high)}"


def _run_usd(row: Row) -> str:
    return "" if row.run_usd is None else f"{'≈ ' if row.projected else ''}{format_run_usd(row.run_usd)}"


def _billed(row: Row) -> Decimal | None:
    amounts = [record.launch_usd for record in row.records if record.launch_usd is not None]
    return sum(amounts, Decimal(0)) if len(amounts) == len(row.records) else None


def _vs_baseline(row: Row) -> str:
    base = row.baseline
    if base is None:
        return ""
    scale = f" of {base.scale}" if base.scale else ""
    return f"{row.over_baseline:.3f} x {format_rate(base.throughput).strip()}{scale}"


def _speed_up(row: Row) -> str:
    """``3.152 of 4 at 1.27 x USD``."""
    usd = "" if row.usd_over_one is None else f" at {row.usd_over_one:.3g} x USD"
    return "" if row.speed_up is None else f"{row.speed_up:.3f} of {row.machine.count}{usd}"


def _per_vcpu(row: Row) -> float | None:
    return row.throughput / row.machine.vcpus if row.throughput and row.machine.vcpus else None


def _verdict(row: Row) -> str:
    if row.speed is None or row.is_reference:
        return ""
    if not row.speed.enough:
        return NOT_ENOUGH
    return "differs" if row.differs else "within the interval"


def _choice(row: Row) -> str:
    """The fastest and the cheapest are on the front anyway."""
    return ", ".join(word for word in row.choice if word != "front") or ", ".join(row.choice)


def _flags(row: Row) -> str:
    return ", ".join(f"! {flag}" for flag in row.flags)


_COLUMNS = (
    Column("machine", "machine", lambda row: row.machine.name, left=True),
    Column("test", "test", lambda row: row.case, left=True),
    Column("scale", "scale", lambda row: row.scale, left=True),
    Column("type", "instance type", lambda row: row.machine.instance_type, left=True),
    Column("market", "market", lambda row: row.machine.market, left=True),
    Column("vcpus", "vCPUs", lambda row: row.machine.vcpus),
    Column("cores", "cores", lambda row: row.machine.cores),
    Column("smt", "threads/core", lambda row: row.machine.threads_per_core),
    Column(
        "memory", "memory", lambda row: row.machine.memory_bytes,
        lambda row: format_memory(row.machine.memory_bytes or 0),
    ),
    Column("gpu", "GPU", lambda row: row.machine.gpu, left=True),
    Column("gpus", "GPUs", lambda row: row.machine.gpus),
    Column(
        "gpu-memory", "GPU memory", lambda row: row.machine.gpu_memory_bytes,
        lambda row: format_memory(row.machine.gpu_memory_bytes or 0),
    ),
    Column("gpu-driver", "GPU driver", lambda row: row.machine.gpu_driver, left=True),
    Column("cuda", "CUDA", lambda row: row.machine.cuda, left=True),
    Column("time", "{how}", lambda row: row.seconds, _seconds(lambda row: row.seconds)),
    Column("spread", "spread", lambda row: f"{row.low!r} {row.high!r}", _spread),
    Column("min", "fastest", lambda row: row.low, _seconds(lambda row: row.low)),
    Column("max", "slowest", lambda row: row.high, _seconds(lambda row: row.high)),
    Column(
        "relative", "relative", lambda row: row.speed.value if row.speed else None,
        lambda row: f"{row.speed.value:.3f}" if row.speed else "",
    ),
    Column("speed-up", "speed-up", lambda row: row.speed_up, _speed_up, left=True),
    Column("interval", "95 % interval", _interval_value, _interval, left=True),
    Column("verdict", "verdict", _verdict, left=True),
    Column("p", "p (Holm)", lambda row: row.adjusted_p, lambda row: f"{row.adjusted_p:.2g}"),
    Column("throughput", "{unit}/s", lambda row: row.throughput, lambda row: format_rate(row.throughput or 0).strip()),
    Column("per-vcpu", "{unit}/s/vCPU", _per_vcpu, lambda row: format_rate(_per_vcpu(row) or 0).strip()),
    Column(
        "usd-hour", "USD/hour", lambda row: row.machine.usd_per_hour,
        lambda row: f"{row.machine.usd_per_hour:.4f}",
    ),
    Column("run-seconds", "run", lambda row: row.run_seconds, _seconds(lambda row: row.run_seconds)),
    Column("usd-run", "USD/run", lambda row: row.run_usd, _run_usd),
    Column("billed", "billed", _billed, lambda row: format_run_usd(_billed(row) or Decimal(0))),
    Column("price-date", "prices of", lambda row: row.machine.price_date, left=True),
    Column("launches", "launches", lambda row: row.launches),
    Column("rounds", "rounds", lambda row: sum(record.round_count for record in row.records)),
    Column("commit", "commit", lambda row: str(row.commit) if row.commit.id else None, left=True),
    Column("branch", "branch", lambda row: row.commit.branch, left=True),
    Column("date", "date", _last(lambda record: record.when[:10] or None), left=True),
    Column("region", "region", lambda row: row.machine.region, left=True),
    Column("cpu", "CPU", lambda row: row.machine.cpu, left=True),
    Column("python", "Python", lambda row: row.machine.python, left=True),
    Column("node", "node", lambda row: row.machine.node, left=True),
    Column("choice", "choice", lambda row: ", ".join(row.choice), _choice, left=True),
    Column("flags", "flags", lambda row: ", ".join(row.flags), _flags, left=True),
    Column("file", "newest file", _last(lambda record: record.source), left=True),
)  # fmt: skip
COLUMNS = {column.name: column for column in _COLUMNS}
VS_BASELINE = Column("vs-baseline", "vs baseline", lambda row: row.over_baseline, _vs_baseline, left=True)
"""Of a session's summary: rows of files are compared with no saved result."""
DEFAULT = (
    "machine", "scale", "vcpus", "cores", "memory", "gpu", "time", "spread", "relative", "speed-up", "interval",
    "throughput", "usd-hour", "usd-run", "price-date", "launches", "choice", "flags",
)  # fmt: skip
SAID_BELOW = ("scale", "price-date")
"""Left out of a table whose rows agree in them, and said below it."""
NEVER_DROPPED = ("machine", "time", "relative", "usd-run", "launches")


@dataclass(frozen=True, slots=True)
class Section:
    """A group of rows under one title."""

    title: str
    unit: str
    """Of throughput; ``work`` where the rows' units differ."""
    rows: tuple[Row, ...]


def parse_columns(text: str) -> tuple[Column, ...]:
    """The columns from ``"machine,time,usd-run"``.

    Raises:
        PlanError: a name that is none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in COLUMNS]
    if wrong or not names:
        raise PlanError(
            f"columns {text!r}: {wrong[0] if wrong else 'none'!r} is no column; there are {', '.join(COLUMNS)}"
        )
    return tuple(COLUMNS[name] for name in dict.fromkeys(names))


def parse_sort(text: str) -> tuple[Column, bool]:
    """The column to sort by, and whether downwards, from ``"usd-run"`` or ``"-throughput"``.

    Raises:
        PlanError: no such column.
    """
    name = text.strip()
    column = COLUMNS.get(name.removeprefix("-"))
    if column is None:
        raise PlanError(f"sort {text!r}: there are the columns {', '.join(COLUMNS)}; a - before one sorts downwards")
    return column, name.startswith("-")


def sections(tables: Sequence[Table], group_by: Column, sort: tuple[Column, bool] | None) -> list[Section]:
    """The rows under the values of a column, in the tables' order; sorted within, what is not known last."""
    grouped: dict[str, list[Row]] = {}
    units: dict[str, set[str]] = {}
    for table in tables:
        for row in table.rows:
            title = group_by.shown(row)
            grouped.setdefault(title, []).append(row)
            units.setdefault(title, set()).add(table.unit)
    if group_by.name != "test":
        grouped = dict(sorted(grouped.items()))
    return [
        Section(title, min(units[title]) if len(units[title]) == 1 else "work", tuple(_sorted(rows, sort)))
        for title, rows in grouped.items()
    ]


def default_columns(parts: Sequence[Section], group_by: Column) -> tuple[Column, ...]:
    """The usual columns, without those that are blank everywhere, and those that tell the rows of a section apart."""
    names = [name for name in DEFAULT if name != group_by.name]
    if group_by.name != "test":
        names.insert(0, "test")
    rows = [row for part in parts for row in part.rows]
    if group_by.name != "commit" and len({(row.case, row.scale, row.machine.name) for row in rows}) < len(rows):
        names.insert(names.index("time"), "commit")
    return not_blank([COLUMNS[name] for name in names], parts)


def not_blank(columns: Iterable[Column], parts: Sequence[Section | Table]) -> tuple[Column, ...]:
    """The columns without those in which no row has anything; some are never dropped."""
    rows = [row for part in parts for row in part.rows]
    return tuple(
        column
        for column in columns
        if column.name in NEVER_DROPPED or any(column.value(row) not in {None, ""} for row in rows)
    )


def without_agreed(
    columns: Sequence[Column], parts: Sequence[Section], names: Collection[str] = SAID_BELOW
) -> tuple[tuple[Column, ...], list[str]]:
    """The columns but those of these names that all of several rows agree in, and a note of these."""
    rows = [row for part in parts for row in part.rows]
    agreed = [
        column
        for column in columns
        if column.name in names and len(rows) > 1 and len({column.value(row) for row in rows} - {None}) == 1
    ]
    pairs = []
    for column in agreed:
        cells = [column.shown(row) for row in rows if column.value(row) is not None]
        pairs.append(f"{column.title} {cells[0]}{' where there is one' if len(cells) < len(rows) else ''}")
    note = [f"In every row: {'; '.join(pairs)}."] if agreed else []
    return tuple(column for column in columns if column not in agreed), note


def titled(column: Column, unit: str, how: str) -> str:
    """The column's title."""
    return column.title.format(unit=unit, how=how)


def _sorted(rows: Sequence[Row], sort: tuple[Column, bool] | None) -> list[Row]:
    if sort is None:
        return list(rows)
    column, downwards = sort
    valued = [row for row in rows if column.value(row) is not None]
    valued.sort(key=lambda row: _comparable(column.value(row)), reverse=downwards)
    return valued + [row for row in rows if column.value(row) is None]


def _comparable(value: Value) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, int | float | Decimal) else (0.0, str(value))

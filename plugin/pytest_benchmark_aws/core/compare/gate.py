"""Whether results became worse than their baseline, for a CI job to fail by: ``median>5%``, ``usd>10%``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, TypeAlias

from pytest_benchmark_aws.core.compare.inference import LEAST_LAUNCHES, Ratio, Sampled, holm, ratio_of, sample
from pytest_benchmark_aws.core.compare.rows import SIGNIFICANT, How, Row
from pytest_benchmark_aws.core.compare.tables import CONFIDENCE, Table
from pytest_benchmark_aws.core.errors import PlanError

Metric = Literal["median", "mean", "min", "usd"]
METRICS: tuple[Metric, ...] = ("median", "mean", "min", "usd")
_CONDITION = re.compile(r"\s*([a-z]+)\s*[>:]\s*(\d{1,6}(?:\.\d{1,6})?)\s*%\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """What fails: a metric that grew by more than so much."""

    metric: Metric
    percent: Decimal

    def __str__(self) -> str:
        """As it is written on the command line."""
        return f"{self.metric}>{self.percent}%"


Identity: TypeAlias = "tuple[str, str | None, str]"
"""A row's test, scale and kind of machine."""


@dataclass(frozen=True, slots=True)
class Translated:
    """Baselines of other machines, carried over to the machine of a row: predicted, not measured."""

    origins: tuple[str, ...]
    """The instance types that the baselines are of."""
    seconds: float
    low: float
    """With ``high``, the 95 % interval of what the baseline would take on the row's machine."""
    high: float
    ratio: Ratio
    """The row's time over that; its interval is both sides', so that it holds 1 where they meet."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row against the same machine's row among the baselines, or against what others' are there."""

    row: Row
    baseline: Row | None
    """None of a translated one, which has no launches."""
    metric: Metric
    new: float
    old: float
    """Seconds, or USD of a run."""
    ratio: Ratio
    """New over old: 1.05 is 5 % more time, or money."""
    adjusted_p: float | None = None
    """Holm's, over all changes of that metric."""
    translated: Translated | None = None
    """Where the baseline is of other machines."""

    @property
    def percent(self) -> float:
        """By how much it grew."""
        return 100 * (self.ratio.value - 1)

    @property
    def sure(self) -> bool:
        """Whether it changed at all for sure: outside the interval, and after Holm's correction."""
        return self.ratio.differs and self.adjusted_p is not None and self.adjusted_p < SIGNIFICANT

    @property
    def verdict(self) -> str:
        """In words."""
        if not self.ratio.enough:
            counts = f"{self.row.launches} and {self.baseline.launches if self.baseline else 0}"
            return f"not enough launches ({counts}, {LEAST_LAUNCHES} of each are needed)"
        if not self.sure:
            return "within the interval"
        return "slower" if self.ratio.value > 1 else "faster"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a condition made of the changes."""

    condition: Condition
    failed: tuple[Change, ...]
    undecided: tuple[Change, ...]
    """Beyond the limit, and without enough launches to be sure."""
    passed: tuple[Change, ...]


def parse_condition(text: str) -> Condition:
    """From ``"median>5%"``; ``"median:5%"``, as pytest-benchmark writes it, is the same.

    Raises:
        PlanError: the text is no such condition.
    """
    match = _CONDITION.fullmatch(text)
    metric = next((name for name in METRICS if match and name == match[1]), None)
    if match is None or metric is None:
        raise PlanError(
            f"condition {text!r} cannot be read: write one of {', '.join(METRICS)}, a > and a percentage, "
            "as in 'median>5%' or 'usd>10%'"
        )
    return Condition(metric, Decimal(match[2]))


def changes(
    tables: Iterable[Table],
    baselines: Iterable[Table],
    metric: Metric,
    translated: Mapping[Identity, Translated] | None = None,
) -> tuple[list[Change], list[Row]]:
    """Each row against its baseline, and the rows that have none.

    A baseline is of the same test, scale and kind of machine; of several commits the newest counts. Where there is
    none, a translated one counts.
    """
    baseline_of = _newest(baselines)
    carried = translated or {}
    compared, without = [], []
    for table in tables:
        for row in table.rows:
            base = baseline_of.get(identity(row))
            if base is None and identity(row) in carried and has(row, metric):
                compared.append(_translated_change(row, carried[identity(row)], metric))
            elif base is None or not (has(row, metric) and has(base, metric)):
                without.append(row)
            else:
                compared.append(_change(row, base, metric))
    adjusted = iter(holm([change.ratio.p_value for change in compared if change.ratio.p_value is not None]))
    corrected = [
        change if change.ratio.p_value is None else replace(change, adjusted_p=next(adjusted)) for change in compared
    ]
    return corrected, without


def without_baseline(tables: Iterable[Table], baselines: Iterable[Table]) -> list[Row]:
    """The rows that have no baseline of the same test, scale and kind of machine."""
    baseline_of = _newest(baselines)
    return [row for table in tables for row in table.rows if identity(row) not in baseline_of]


def missing(
    tables: Iterable[Table], baselines: Iterable[Table], translated: Mapping[Identity, Translated] | None = None
) -> list[Row]:
    """The newest baseline of each test, scale and kind of machine that has no new result, nor was translated to one."""
    present = {identity(row) for table in tables for row in table.rows}
    carried = {(case, scale) for case, scale, _ in translated or ()}
    return [
        row for key, row in _newest(baselines).items() if key not in present and (row.case, row.scale) not in carried
    ]


def _newest(baselines: Iterable[Table]) -> dict[Identity, Row]:
    rows = sorted((row for table in baselines for row in table.rows), key=lambda row: row.records[-1].when)
    return {identity(row): row for row in rows}


def judge(condition: Condition, compared: Sequence[Change]) -> Judged:
    """A change fails that is beyond the limit and sure to be one: a difference inside the interval never fails."""
    beyond = [change for change in compared if Decimal(repr(change.percent)) > condition.percent]
    failed = tuple(change for change in beyond if change.sure)
    undecided = tuple(change for change in beyond if not change.ratio.enough)
    worse = {id(change) for change in (*failed, *undecided)}
    return Judged(condition, failed, undecided, tuple(change for change in compared if id(change) not in worse))


def identity(row: Row) -> Identity:
    """What a row has in common with its baseline."""
    return row.case, row.scale, row.machine.kind


def has(row: Row, metric: Metric) -> bool:
    """Whether a row's records have the metric; a clock that is too coarse shows no minimum."""
    if metric == "usd":
        return bool(row.machine.usd_per_hour)
    return all(getattr(record, metric) is not None for record in row.records)


def _change(row: Row, base: Row, metric: Metric) -> Change:
    how: How = "median" if metric == "usd" else metric
    new, old = (
        sample([getattr(record, how) for record in side.records], seed=seed) for seed, side in enumerate((row, base))
    )
    if metric == "usd":  # prices are known: they move the interval and widen it by nothing
        new, old = _priced(new, row), _priced(old, base)
    return Change(row, base, metric, new.center, old.center, ratio_of(new, old, confidence=CONFIDENCE))


def _translated_change(row: Row, translated: Translated, metric: Metric) -> Change:
    """As ``_change``; money is at the price of the row's machine on both sides."""
    price = float(row.machine.usd_per_hour or 0) / 3600 if metric == "usd" else 1.0
    old, ratio = translated.seconds * price, translated.ratio
    return Change(row, None, metric, old * ratio.value, old, ratio, translated=translated)


def _priced(seconds: Sampled, row: Row) -> Sampled:
    price = float(row.machine.usd_per_hour or 0) / 3600
    return replace(seconds, center=seconds.center * price)

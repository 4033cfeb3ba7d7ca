"""The page's part on machines that were not measured: the likeliest best ones of a test, predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.report.html.charts import units
from pytest_benchmark_aws.report.html.charts.predicted import predicted_chart
from pytest_benchmark_aws.report.html.charts.trends import Numbers
from pytest_benchmark_aws.report.html.results_table import Name, case_name
from pytest_benchmark_aws.report.predicted import percent
from pytest_benchmark_aws.report.text import few, printable

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.compare.tables import Table
    from pytest_benchmark_aws.predict.answer import PredictedRow
    from pytest_benchmark_aws.predict.likeliest import Likeliest
    from pytest_benchmark_aws.predict.model.machines import Machine
    from pytest_benchmark_aws.predict.model.posterior import Prior
    from pytest_benchmark_aws.report.html.charts.chart import Chart

LEAST_TYPES = 3
"""Instance types that must be measured: with fewer, most of an interval is what benchmarks are like in general."""
MOST_TESTS = 3
"""Tests with predictions on one page, those with the most types measured: each takes half a second."""
MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class Predicted:
    """A test with the machines that may be the best for it."""

    name: Name
    chart: Chart
    numbers: Numbers
    said: tuple[str, ...]
    """The likeliest in words, and what is to be said of how little is known."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """The page's part; of no tests where too few instance types were measured."""

    tests: tuple[Predicted, ...]
    source: str
    """Whose figures the machine model is fitted to, and under which licence."""
    left_out: int
    """Tests that could be predicted, and are not here."""


def predictions(tables: Sequence[Table]) -> Predictions:
    """The predictions of the tests that were measured on three instance types of AWS or more.

    Embedded AWS's times are those of the machine that it ran on, and those of types with GPUs may be the GPUs': nothing
    is predicted from them.
    """
    wanted = [(table, len(types)) for table in tables if len(types := _types(table)) >= LEAST_TYPES]
    if not wanted:
        return Predictions((), "", 0)
    from pytest_benchmark_aws.predict.likeliest import likeliest
    from pytest_benchmark_aws.predict.measured import cases_of, without_gpus

    prior, machines, candidates = _model()
    chosen = {id(table) for table, _ in sorted(wanted, key=lambda pair: -pair[1])[:MOST_TESTS]}
    tests = []
    for table, _ in wanted:
        if id(table) not in chosen:
            continue
        real = [row for row in table.rows if not row.machine.embedded]
        records, with_gpus = without_gpus(record for row in real for record in row.records)
        # Of a table of several scales, the one that most types were measured at.
        case = max(cases_of(records, machines), key=lambda case: (len(case.measured), case.scale or ""))
        if len(case.measured) >= LEAST_TYPES:
            result = likeliest(prior, case, candidates, MOST_ROWS)
            chart = predicted_chart(case.case, case.scale, result)
            numbers, said = _numbers(result), _said(result)
            if with_gpus:
                said.append(f"Left out, as their times may be their GPUs': {printable(few(with_gpus))}.")
            tests.append(Predicted(case_name(case.case, case.scale), chart, numbers, tuple(said)))
    return Predictions(tuple(tests), f"{prior.table.source}; {prior.table.licence}", len(wanted) - len(tests))


def _types(table: Table) -> set[str]:
    """The instance types of AWS that a test was measured on and that the machine model may know: EC2's, one machine."""
    from pytest_benchmark_aws.predict.measured import has_gpus

    machines = [row.machine for row in table.rows if not row.machine.embedded and row.machine.count == 1]
    return {
        name
        for machine in machines
        if (name := machine.instance_type) and not name.startswith(SAGEMAKER_PREFIX) and not has_gpus(machine)
    }


@lru_cache(maxsize=1)
def _model() -> tuple[Prior, Mapping[str, Machine], Sequence[Machine]]:
    """The machine model, all machines, and those that may be named: current, priced, not burstable, no accelerators."""
    from pytest_benchmark_aws.catalog import snapshot
    from pytest_benchmark_aws.predict.model import table as machine_table
    from pytest_benchmark_aws.predict.model.machines import is_accelerated, machines_of
    from pytest_benchmark_aws.predict.model.posterior import prior_of

    types, table = snapshot.catalog().types, machine_table.load()
    machines = {machine.name: machine for machine in machines_of(types.values(), table)}
    candidates = [
        machines[t.name]
        for t in types.values()
        if t.name in machines
        and t.current_generation
        and t.usd_per_hour
        and not t.burstable
        and not is_accelerated(t.name)
    ]
    return prior_of(table), machines, candidates


def _numbers(result: Likeliest) -> Numbers:
    rows = (*result.predicted, *result.measured)
    money = units.usd_unit([row.usd_run for row in rows if row.usd_run is not None])

    def cells(row: PredictedRow) -> tuple[str, ...]:
        usd, low, high = row.usd_run, row.usd(row.low), row.usd(row.high)
        return (
            printable(row.machine.name),
            "measured" if row.measured else "predicted",
            str(row.machine.vcpus),
            format_seconds(row.seconds),
            f"{format_seconds(row.low)} to {format_seconds(row.high)}",
            "-" if usd is None else money.shown(usd),
            "-" if low is None or high is None else f"{money.shown(low)} to {money.shown(high)}",
            percent(row.cheapest),
            percent(row.fastest),
            "" if row.measured or row.machine.basis == "measured" else row.machine.basis,
        )

    header = (
        "instance type", "", "vCPUs", "time", "95 % interval", money.words, "95 % interval", "is cheapest",
        "is fastest", "known by",
    )  # fmt: skip
    if not any(cells(row)[-1] for row in rows):
        return Numbers("Predicted and measured", header[:-1], tuple(cells(row)[:-1] for row in rows))
    return Numbers("Predicted and measured", header, tuple(map(cells, rows)))


def _said(result: Likeliest) -> list[str]:
    rows = (*result.predicted, *result.measured)
    lines = []
    for word in ("cheapest", "fastest"):
        chances: list[float] = [getattr(row, word) for row in rows]
        best = rows[chances.index(max(chances))]
        if max(chances):
            how = "measured" if best.measured else "predicted"
            likely = percent(max(chances))
            lines.append(f"Likeliest {word}: {printable(best.machine.name)} ({how}), with a chance of {likely}.")
    return [*lines, *(printable(note.removeprefix("! ")) for note in result.notes)]

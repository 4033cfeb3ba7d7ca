"""The choice in words with numbers: which machine is the fastest, which the cheapest, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_benchmark_aws.core.compare.choice import FASTEST_PRICED, Tally, best_of
from pytest_benchmark_aws.core.compare.inference import LEAST_LAUNCHES, Ratio
from pytest_benchmark_aws.core.compare.rows import Row
from pytest_benchmark_aws.core.compare.tables import Table
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.report.columns import NOT_ENOUGH
from pytest_benchmark_aws.report.html.charts.units import Unit, usd_unit
from pytest_benchmark_aws.report.html.machine_styles import Mark


@dataclass(frozen=True, slots=True)
class Said:
    """A machine and what is said of it."""

    tag: str
    """``fastest``, ``cheapest``, ``fastest and cheapest``, ``front``; ``fastest with a price``, and ``no price``."""
    mark: Mark
    embedded: bool
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The choice among one test's machines."""

    said: tuple[Said, ...]
    sure: str
    """How sure the first is ahead of the next; or why there is nothing to choose."""


def verdict(table: Table, marks: Mapping[str, Mark]) -> Verdict:
    """The choice among a table's machines: the fastest, the cheapest, those on the front, one without a price."""
    rows = table.rows
    best = [row for row in rows if row.choice]
    money = usd_unit([float(row.run_usd) for row in best or rows if row.run_usd is not None])
    if not any("cheapest" in row.choice for row in best):
        if len({row.machine.name for row in rows}) == 1:
            return Verdict((_said("measured", rows[0], marks, money),), "One machine: there is nothing to choose.")
        sure = "Fewer than two machines have a known price: money is not compared."
        return Verdict((_said("fastest", rows[0], marks, money),), sure)
    word = next((word for row in best for word in row.choice if word == FASTEST_PRICED), "fastest")
    fastest = next(row for row in best if word in row.choice and row.run_usd is not None)
    # Of equals in money the fastest, as the front has it.
    cheapest = next(row for row in best if "cheapest" in row.choice)
    if cheapest is fastest:
        said = [_said(f"{word} and cheapest", fastest, marks, money)]
    else:
        said = [
            _said(word, fastest, marks, money),
            _said("cheapest", cheapest, marks, money, _compared(cheapest, fastest)),
        ]
    between = [row for row in best if "front" in row.choice and row is not fastest and row is not cheapest]
    said[1:1] = [_said("front", row, marks, money, _compared(row, fastest)) for row in between]
    # Embedded AWS's times say nothing beside those of real machines.
    others = [row for row in rows if row.run_usd is None and row.machine.embedded <= fastest.machine.embedded]
    return Verdict((*said, *_without_price(others, marks, money)), _sure(table, fastest, marks))


def _without_price(others: Sequence[Row], marks: Mapping[str, Mark], money: Unit) -> list[Said]:
    """The fastest of the machines without a price, which may still be the one at hand; empty where all have prices."""
    more = f"; {len(others) - 1} more without a price" if len(others) > 1 else ""
    return [_said("no price", others[0], marks, money, more)] if others else []


def cost(row: Row, money: Unit) -> str:
    """Time and money of a run, as in ``1 s a run, 0.427 USD per 1,000 runs``."""
    about = "≈ " if row.projected else ""
    time = f"{about}{format_seconds(row.run_seconds)}"
    if row.run_usd is None:
        return f"{_whole(time)} a run"
    return f"{_whole(time)} a run, {_whole(f'{about}{money.shown(float(row.run_usd))} USD')}{money.words[3:]}"


def _said(tag: str, row: Row, marks: Mapping[str, Mark], money: Unit, more: str = "") -> Said:
    return Said(tag, marks[row.machine.name], row.machine.embedded, f"{cost(row, money)}{more}")


def _compared(row: Row, fastest: Row) -> str:
    """How much less money and how much more time a row takes than the fastest; empty without prices."""
    if row.run_usd is None or not fastest.run_usd:
        return ""
    less = 1 - float(row.run_usd / fastest.run_usd)
    return f": {_percent(less)} less money for {_percent(row.run_seconds / fastest.run_seconds - 1)} more time"


def _percent(share: float) -> str:
    text = f"{share:.1%}" if abs(share) < 0.1 else f"{share:.0%}"
    return text.replace("%", "\u00a0%")


def _sure(table: Table, fastest: Row, marks: Mapping[str, Mark]) -> str:
    """How sure it is that the fastest is ahead: of the next where it is the reference itself, else of the reference."""
    reference = next((row for row in table.rows if row.is_reference), None)
    if reference is None:
        return "The reference has no result of this test."
    if reference is fastest:
        embedded = fastest.machine.embedded
        others = [row for row in table.rows if row is not fastest and row.machine.embedded == embedded]
        return _ahead(fastest, others[0], _turned(others[0].speed), others[0].differs, marks) if others else ""
    if reference.machine.embedded != fastest.machine.embedded:
        return f"Speeds are over {marks[reference.machine.name].name}'s: --reference names a machine of the same kind."
    return _ahead(fastest, reference, fastest.speed, fastest.differs, marks)


def _turned(speed: Ratio | None) -> Ratio | None:
    """The inverse: the reference's speed over the other's."""
    if speed is None:
        return None
    low, high = (None, None) if speed.low is None or speed.high is None else (1 / speed.high, 1 / speed.low)
    return Ratio(1 / speed.value, low, high, speed.confidence, speed.p_value)


def _ahead(ahead: Row, other: Row, speed: Ratio | None, differs: bool, marks: Mapping[str, Mark]) -> str:
    """How many times as fast the first is as the other, and with which confidence; empty without a ratio."""
    if speed is None:
        return ""
    ours, theirs = marks[ahead.machine.name].name, marks[other.machine.name].name
    if speed.low is None or speed.high is None:
        counts = f"{_launches(ahead)} of the one and {_launches(other)} of the other"
        return (
            f"{ours} is {speed.value:.2f} times as fast as {theirs}; {NOT_ENOUGH} to say how sure that is: {counts}, "
            f"{LEAST_LAUNCHES} of each are needed."
        )
    interval = f"{speed.confidence:.0%} interval {speed.low:.2f} to {speed.high:.2f}".replace("%", "\u00a0%")
    if not differs:
        return f"{ours} and {theirs} are not told apart by these launches: {speed.value:.2f} times as fast, {interval}."
    return f"{ours} is {speed.value:.2f} times as fast as {theirs}, {interval}."


def _whole(figure: str) -> str:
    """The figure with spaces that do not break, so that its unit stays on its line."""
    return figure.replace(" ", "\u00a0")


def _launches(row: Row) -> str:
    return f"{row.launches} launch{'es' * (row.launches > 1)}"


def headline(tables: Sequence[Table], tallies: Sequence[Tally], marks: Mapping[str, Mark]) -> list[Said]:
    """The machines that are the fastest and the cheapest of most tests; empty where fewer than two have a choice."""
    return [
        Said(best.word, marks[best.machine.name], best.machine.embedded, best.tests_said)
        for best in best_of(tables, tallies)
    ]

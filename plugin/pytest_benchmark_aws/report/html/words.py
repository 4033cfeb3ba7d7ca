"""The choice in words with numbers: which machine is the fastest, which the cheapest, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.inference import LEAST_LAUNCHES
from pytest_benchmark_aws.core.units import format_seconds, format_usd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.core.tables import Row, Table
    from pytest_benchmark_aws.report.html.marks import Mark

NOT_ENOUGH = "not enough launches"


@dataclass(frozen=True, slots=True)
class Said:
    """A machine and what is said of it."""

    tag: str
    """``fastest``, ``cheapest``, ``fastest and cheapest``, ``front``."""
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
    """What a table says of its machines."""
    rows = table.rows
    best = [row for row in rows if row.choice]
    if not best:
        return Verdict((_only(rows[0], marks),), _nothing_to_choose(table))
    fastest = next(row for row in best if "fastest" in row.choice)
    # Of equals in money the fastest, as the front has it.
    cheapest = next(row for row in best if "cheapest" in row.choice)
    if cheapest is fastest:
        said = [_said("fastest and cheapest", fastest, marks, "")]
    else:
        said = [
            _said("fastest", fastest, marks, ""),
            _said("cheapest", cheapest, marks, _compared(cheapest, fastest)),
        ]
    between = [row for row in best if "front" in row.choice and row is not fastest and row is not cheapest]
    said[1:1] = [_said("front", row, marks, _compared(row, fastest)) for row in between]
    return Verdict(tuple(said), _sure(table, fastest, marks))


def speed_words(row: Row) -> str:
    """A row's interval over the reference's speed, or why there is none."""
    if row.is_reference:
        return "reference"
    if row.speed is None:
        return "no reference"
    if row.speed.low is None or row.speed.high is None:
        return NOT_ENOUGH
    return f"{row.speed.low:.3f} to {row.speed.high:.3f}" + ("" if row.differs else ": not told apart")


def cost(row: Row) -> str:
    """Time and money of a run."""
    about = "≈ " if row.projected else ""
    money = f", {about}{format_usd(row.run_usd)} USD" if row.run_usd is not None else ", no price known"
    return f"{about}{format_seconds(row.run_seconds)}{money} a run"


def _only(row: Row, marks: Mapping[str, Mark]) -> Said:
    return _said("fastest" if row.run_usd is None else "measured", row, marks, "")


def _said(tag: str, row: Row, marks: Mapping[str, Mark], more: str) -> Said:
    return Said(tag, marks[row.machine.name], row.machine.embedded, f"{cost(row)}{more}")


def _compared(row: Row, fastest: Row) -> str:
    if row.run_usd is None or not fastest.run_usd:
        return ""
    less = 1 - float(row.run_usd / fastest.run_usd)
    return f": {_percent(less)} less money for {_percent(row.run_seconds / fastest.run_seconds - 1)} more time"


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %") if abs(share) < 0.1 else f"{share:.0%}".replace("%", " %")


def _nothing_to_choose(table: Table) -> str:
    names = {row.machine.name for row in table.rows}
    if len(names) == 1:
        return "One machine: there is nothing to choose."
    return "Fewer than two machines have a known price: money is not compared."


def _sure(table: Table, fastest: Row, marks: Mapping[str, Mark]) -> str:
    """How sure the fastest is ahead: of the next where it is the reference itself, else of the reference."""
    rows = table.rows
    reference = next((row for row in rows if row.is_reference), None)
    if reference is None:
        return "The reference has no result of this test."
    others = [row for row in rows if row is not fastest]
    other = reference if reference is not fastest else others[0] if others else None
    if other is None:
        return ""
    speed = fastest.speed if reference is not fastest else other.speed
    if speed is None:
        return ""
    turn = reference is fastest
    value = 1 / speed.value if turn else speed.value
    name = marks[other.machine.name].name
    if speed.low is None or speed.high is None:
        counts = f"{_launches(fastest)} here, {_launches(other)} there"
        return (
            f"{value:.2f} times as fast as {name}; {NOT_ENOUGH} to say how sure that is: {counts}, "
            f"{LEAST_LAUNCHES} of each are needed."
        )
    low, high = (1 / speed.high, 1 / speed.low) if turn else (speed.low, speed.high)
    interval = f"{speed.confidence:.0%} interval {low:.2f} to {high:.2f}".replace("%", " %")
    judged = other if turn else fastest
    if not judged.differs:
        return f"Not told apart from {name} by these launches: {value:.2f} times as fast, {interval}."
    return f"{value:.2f} times as fast as {name}, {interval}."


def _launches(row: Row) -> str:
    return f"{row.launches} launch{'es' * (row.launches > 1)}"


def tally(tables: Sequence[Table], marks: Mapping[str, Mark]) -> list[tuple[Mark, bool, int, int, int, int]]:
    """Mark, embedded, and of how many tests a machine is the fastest, the cheapest, on the front, measured in."""
    counts: dict[str, list[int]] = {}
    embedded: dict[str, bool] = {}
    for table in tables:
        for name in {row.machine.name for row in table.rows}:
            mine = [row for row in table.rows if row.machine.name == name]
            embedded[name] = mine[0].machine.embedded
            kept = counts.setdefault(name, [0, 0, 0, 0])
            for place, word in enumerate(("fastest", "cheapest", "front")):
                kept[place] += any(word in row.choice for row in mine)
            kept[3] += 1
    ordered = sorted(counts, key=lambda name: (-counts[name][0], -counts[name][1], -counts[name][2], name))
    return [(marks[name], embedded[name], *counts[name]) for name in ordered]  # type: ignore[misc]

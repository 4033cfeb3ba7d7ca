"""What is known of the machines, and the results in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.values.units import format_memory
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.core.compare.tables import Table
    from pytest_benchmark_aws.report.html.machine_styles import Mark


@dataclass(frozen=True, slots=True)
class Machine:
    """What is known of one machine."""

    mark: Mark
    embedded: bool
    facts: tuple[tuple[str, str], ...]


def machines_of(records: Iterable[Record], marks: Mapping[str, Mark]) -> list[Machine]:
    """By name; what differs between launches is named with all its values."""
    by_name: dict[str, list[Record]] = {}
    for record in records:
        by_name.setdefault(record.machine.name, []).append(record)
    found = []
    for name in sorted(by_name.keys() & marks.keys()):
        mine = by_name[name]
        infos = list(dict.fromkeys(record.machine for record in mine))
        launches = len({record.launch for record in mine})
        facts = [(label, _distinct(read(info) for info in infos)) for label, read in _FACTS]
        facts += [
            ("launches", str(launches)),
            ("results", f"{len(mine):,}"),
            ("commits", _distinct(str(record.commit) for record in mine if record.commit.id)),
            ("dates", _dates(mine)),
        ]
        shown = tuple((label, printable(text)) for label, text in facts if text)
        found.append(Machine(marks[name], mine[0].machine.embedded, shown))
    return found


def _price(info: MachineInfo) -> str | None:
    if info.usd_per_hour is None:
        return "not known"
    return f"{info.usd_per_hour:.4f} USD an hour" + (f", price of {info.price_date}" if info.price_date else "")


_FACTS = (
    ("instance type", lambda info: info.instance_type),
    ("market", lambda info: info.market),
    ("region", lambda info: info.region),
    ("price", _price),
    ("CPU", lambda info: info.cpu),
    ("architecture", lambda info: info.arch),
    ("vCPUs", lambda info: info.vcpus),
    ("cores", lambda info: info.cores),
    ("threads a core", lambda info: info.threads_per_core),
    ("memory", lambda info: None if info.memory_bytes is None else format_memory(info.memory_bytes)),
    ("system", lambda info: info.system),
    ("Python", lambda info: info.python),
)


def _distinct(values: Iterable[object], most: int = 6) -> str:
    """The different values in order; launches of one type may differ in their CPU."""
    each = sorted({str(value) for value in values if value is not None})
    more = f"; {len(each) - most} more" if len(each) > most else ""
    return "; ".join(each[:most]) + more


def _dates(records: Iterable[Record]) -> str:
    days = sorted({record.when[:10] for record in records if record.when})
    return "" if not days else days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def figures_of(records: Sequence[Record], tables: Sequence[Table]) -> list[str]:
    """How many results, of how much, measured when, at which prices."""
    machines = {record.machine.name for record in records}
    prices = sorted({record.machine.price_date for record in records if record.machine.price_date})
    facts = [
        count_of(len(records), "result"),
        count_of(len(tables), "test"),
        count_of(len(machines), "machine"),
        count_of(len({(record.machine.name, record.launch) for record in records}), "launch", "es"),
    ]
    dates = _dates(records)
    facts.append(f"measured {dates} (UTC)" if dates else "no dates")
    if prices:
        facts.append("prices of " + (prices[0] if len(prices) == 1 else f"{prices[0]} to {prices[-1]}"))
    return facts


def count_of(number: int, word: str, plural: str = "s") -> str:
    """As in ``1,440 results``."""
    return f"{number:,} {word}{plural if number != 1 else ''}"

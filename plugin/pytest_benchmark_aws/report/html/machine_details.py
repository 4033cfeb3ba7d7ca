"""The page's section of machines: what the results tell of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
from pytest_benchmark_aws.core.compare.records import Record
from pytest_benchmark_aws.core.values.units import format_memory
from pytest_benchmark_aws.report.html.machine_styles import Mark
from pytest_benchmark_aws.report.text import printable


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine, and label and text of each fact that its results tell."""

    mark: Mark
    embedded: bool
    facts: tuple[tuple[str, str], ...]


def machines_of(records: Iterable[Record], marks: Mapping[str, Mark]) -> list[Machine]:
    """The machines that have a mark, by name; a fact that differs between launches has all its values."""
    by_name: dict[str, list[Record]] = {}
    for record in records:
        by_name.setdefault(record.machine.name, []).append(record)
    machines = []
    for name in sorted(by_name.keys() & marks.keys()):
        of_machine = by_name[name]
        infos = list(dict.fromkeys(record.machine for record in of_machine))
        launches = len({record.launch for record in of_machine})
        facts = [(label, _distinct(read(info) for info in infos)) for label, read in _FACTS]
        facts += [
            ("launches", str(launches)),
            ("results", f"{len(of_machine):,}"),
            ("commits", _distinct(str(record.commit) for record in of_machine if record.commit.id)),
            ("dates", dates_of(of_machine)),
        ]
        shown = tuple((label, printable(text)) for label, text in facts if text)
        machines.append(Machine(marks[name], of_machine[0].machine.embedded, shown))
    return machines


def _price(info: MachineInfo) -> str | None:
    if info.usd_per_hour is None:
        return "not known"
    return f"{info.usd_per_hour:.4f} USD an hour" + (f", price of {info.price_date}" if info.price_date else "")


_FACTS = (
    ("instance type", lambda info: info.instance_type),
    ("machines", lambda info: f"{info.count}, with this price, vCPUs and memory together" if info.count > 1 else None),
    ("market", lambda info: info.market),
    ("region", lambda info: info.region),
    ("price", _price),
    ("CPU", lambda info: info.cpu),
    ("architecture", lambda info: info.arch),
    ("vCPUs", lambda info: info.vcpus),
    ("cores", lambda info: info.cores),
    ("threads a core", lambda info: info.threads_per_core),
    ("memory", lambda info: None if info.memory_bytes is None else format_memory(info.memory_bytes)),
    ("GPU", lambda info: info.gpu),
    ("GPUs", lambda info: info.gpus),
    ("GPU memory", lambda info: None if info.gpu_memory_bytes is None else format_memory(info.gpu_memory_bytes)),
    ("GPU driver", lambda info: info.gpu_driver),
    ("CUDA", lambda info: info.cuda),
    ("system", lambda info: info.system),
    ("Python", lambda info: info.python),
)


def _distinct(values: Iterable[object], most: int = 6) -> str:
    """The different values in order, as launches of a type may differ in their CPU; at most ``most`` of them."""
    distinct = sorted({str(value) for value in values if value is not None})
    more = f"; {len(distinct) - most} more" if len(distinct) > most else ""
    return "; ".join(distinct[:most]) + more


def dates_of(records: Iterable[Record]) -> str:
    """The day of the records, or the first and the last; empty where no record has a date."""
    days = sorted({record.when[:10] for record in records if record.when})
    return "" if not days else days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"

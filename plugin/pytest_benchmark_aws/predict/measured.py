"""Records -> what was measured of each case on each instance type, as probes of the machine model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.model.machines import is_accelerated
from pytest_benchmark_aws.predict.model.posterior import Probe

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.core.compare.rows import How
    from pytest_benchmark_aws.predict.model.machines import Machine

LAUNCH_DEVIATION = 0.02
"""Of a launch's time from the mean of launches, before several were made: ten launches of one second on one machine
differ by 8 to 10 % in single rounds, and a launch's median of five rounds by a third to a quarter of that."""
LEAST_LAUNCHES = 3
"""Of an interval."""
_PRIOR_LAUNCHES = 3
"""How many launches' worth that figure counts beside what launches show."""
_T_975 = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's t, 97.5 %, of 1 to 10 degrees of freedom; about 2 of more."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Launches of one case on one instance type."""

    probe: Probe
    seconds: float
    low: float
    """With ``high``, the 95 % interval of the time of a launch on average; of one launch, its rounds' quartiles, and
    of two these two: an interval from as few, by Student's t, is of powers of ten."""
    high: float
    launches: int


@dataclass(frozen=True, slots=True)
class CaseResults:
    """What was measured of one case at one scale."""

    case: str
    scale: str | None
    measured: tuple[Measured, ...]
    """One for each instance type, in the order of their names."""
    embedded: bool
    """Embedded AWS's times are those of the machine that it ran on, whatever the instance type is called."""
    unknown: tuple[str, ...]
    """Machines that the results are of and the catalog has no specifications of."""


def without_gpus(records: Iterable[Record]) -> tuple[list[Record], list[str]]:
    """The records of machines without GPUs or other accelerators, and the names of the others' machines.

    Those times may be the GPUs', from which nothing follows for CPUs.
    """
    left, names = [], set()
    for record in records:
        if has_gpus(record.machine):
            names.add(record.machine.name)
        else:
            left.append(record)
    return left, sorted(names)


def has_gpus(machine: MachineInfo) -> bool:
    """Whether it has GPUs or other accelerators."""
    return bool(machine.gpus) or (machine.instance_type is not None and is_accelerated(machine.instance_type))


def cases_of(records: Iterable[Record], machines: Mapping[str, Machine], how: How = "median") -> list[CaseResults]:
    """The cases of the records, by name and scale; of a case's results those of AWS alone, where there are any.

    Args:
        records: that all count, of any number of files.
        machines: by instance type.
        how: what of a launch's rounds counts.
    """
    groups: dict[tuple[str, str | None], list[Record]] = {}
    for record in records:
        if getattr(record, how) is not None:
            groups.setdefault((record.case, record.scale), []).append(record)
    cases = []
    for (case, scale), members in sorted(groups.items(), key=lambda group: (group[0][0], group[0][1] or "")):
        on_types = [record for record in members if record.machine.instance_type in machines]
        real = [record for record in on_types if not record.machine.embedded]
        unknown = {record.machine.name for record in members if record.machine.instance_type not in machines}
        embedded = bool(on_types) and not real
        cases.append(_case(case, scale, real or on_types, machines, how, tuple(sorted(unknown)), embedded=embedded))
    return cases


def _case(
    case: str,
    scale: str | None,
    records: Sequence[Record],
    machines: Mapping[str, Machine],
    how: How,
    unknown: tuple[str, ...],
    *,
    embedded: bool,
) -> CaseResults:
    by_type: dict[str, list[Record]] = {}
    for record in records:
        by_type.setdefault(record.machine.instance_type or "", []).append(record)
    measured = [_measured(machines[name], members, how) for name, members in sorted(by_type.items())]
    return CaseResults(case, scale, tuple(measured), embedded, unknown)


def _measured(machine: Machine, records: Sequence[Record], how: How) -> Measured:
    seconds = [float(getattr(record, how)) for record in records]
    measured = measured_of(machine, seconds, _round_variance(records[-1]))
    if measured.launches > 1:
        return measured
    record, mean = records[0], measured.seconds
    low, high = record.quartiles or (record.min or mean, record.max or mean)
    return replace(measured, low=min(low, mean), high=max(high, mean))


def _round_variance(record: Record) -> float:
    """Of the logarithm of a launch's median, by its rounds' quartiles, as of a normal distribution."""
    if record.quartiles is None or record.round_count < 2:
        return 0.0
    low, high = record.quartiles
    deviation = math.log(high / low) / 1.349
    return (1.2533 * deviation) ** 2 / record.round_count


def measured_of(machine: Machine, seconds: Sequence[float], round_variance: float = 0.0) -> Measured:
    """What launches that took so many seconds each, at least one, tell of the machine.

    Args:
        machine: that they were of.
        seconds: of each launch.
        round_variance: of the logarithm of a launch's time, as its rounds differ.
    """
    logs = [math.log(value) for value in seconds]
    centre, count = fmean(logs), len(logs)
    squares = sum((value - centre) ** 2 for value in logs)
    prior = _PRIOR_LAUNCHES * (LAUNCH_DEVIATION**2 + round_variance)
    variance = (prior + squares) / (_PRIOR_LAUNCHES + count - 1) / count
    low = high = mean = math.exp(centre)
    if count == LEAST_LAUNCHES - 1:
        low, high = min(*seconds, mean), max(*seconds, mean)
    elif count > 1:
        deviation = math.sqrt(squares / (count - 1) / count)
        factor = _T_975[count - 2] if count - 2 < len(_T_975) else 2.0
        low, high = mean * math.exp(-factor * deviation), mean * math.exp(factor * deviation)
    return Measured(Probe(machine, centre, variance), mean, low, high, count)

"""Which results count: one of each launch, of each machine's newest commit; told before records are made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar, Union

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
    from pytest_benchmark_aws.core.compare.records import Commit, Record


class Head(NamedTuple):
    """What says whether a benchmark of a file counts; a tuple, as 100,000 of them are made."""

    when: str
    launch: str
    case: str
    source: str
    median: float
    """Seconds."""
    round_count: int
    scale: str | None
    machine: MachineInfo
    commit: Commit
    position: int
    """In the file's list of benchmarks, from 0."""


Result = Union["Head", "Record"]
AnyResult = TypeVar("AnyResult", "Head", "Record")
_Part = tuple[str, bool]


class Newest:
    """The newest commit of each case, scale and machine, among the results seen so far."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str | None, str], dict[_Part, str]] = {}

    def add(self, result: Result) -> bool:
        """Takes a result in; whether it is of the newest commit by now."""
        parts = self._parts.setdefault((result.case, result.scale, result.machine.name), {})
        part, when = _part(result), result.when
        if parts.get(part, "") <= when:
            parts[part] = when
        return len(parts) == 1 or part == _newest(parts)

    def of(self, results: Iterable[AnyResult]) -> list[AnyResult]:
        """Those of the newest commit of their case, scale and machine."""
        newest = {key: _newest(parts) for key, parts in self._parts.items()}
        return [result for result in results if newest[result.case, result.scale, result.machine.name] == _part(result)]


def without_duplicates(results: Iterable[AnyResult]) -> tuple[list[AnyResult], int]:
    """The same benchmark of the same launch counts once, in whatever files it is; the first by time and file stays."""
    single: dict[tuple[object, ...], AnyResult] = {}
    duplicates = 0
    for result in results:
        key = (result.launch, result.case, result.scale, result.machine.name, result.median, result.round_count)
        first = single.setdefault(key, result)
        if first is not result:
            duplicates += 1
            if (result.when, result.source) < (first.when, first.source):
                single[key] = result
    return list(single.values()), duplicates


def newest(results: Iterable[AnyResult]) -> list[AnyResult]:
    """Those of the newest commit of their case, scale and machine."""
    results = list(results)
    seen = Newest()
    for result in results:
        seen.add(result)
    return seen.of(results)


def _part(result: Result) -> _Part:
    return result.commit.id, result.commit.dirty


def _newest(parts: dict[_Part, str]) -> _Part:
    return max(parts, key=lambda part: (parts[part], part))

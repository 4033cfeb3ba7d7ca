"""Which results count: one of each launch, of each machine's newest commit; told before records are made of them.

Without git each session is a commit of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar, Union

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
    from pytest_benchmark_aws.core.compare.records import Commit, Record


Version: TypeAlias = "tuple[str, bool, str]"


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
    session: str = ""
    """What tells sessions apart: the run's id, or what the file says of itself."""

    @property
    def version(self) -> Version:
        """What of the project was measured."""
        return version_of(self.commit, self.session)


def version_of(commit: Commit, session: str) -> Version:
    """A commit's id and whether its tree was dirty; without a commit the session, as nobody knows what two share."""
    return commit.id, commit.dirty, "" if commit.id else session


Result = Union["Head", "Record"]
AnyResult = TypeVar("AnyResult", "Head", "Record")


class Newest:
    """The newest commit of each case, scale and machine, among the results seen so far."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str | None, str], tuple[str, Version]] = {}
        """The time of its latest result, and what that is of."""

    def add(self, result: Result) -> bool:
        """Takes a result in; whether it is of the newest commit by now."""
        key = (result.case, result.scale, result.machine.name)
        own = (result.when, result.version)
        newest = self._newest.get(key)
        if newest is None or own > newest:
            self._newest[key] = newest = own
        return own[1] == newest[1]

    def of(self, results: Iterable[AnyResult]) -> list[AnyResult]:
        """Those of the newest commit of their case, scale and machine."""
        return [
            result
            for result in results
            if result.version == self._newest[result.case, result.scale, result.machine.name][1]
        ]


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

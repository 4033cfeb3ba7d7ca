"""What a guest's lines say of each case of its job, and what they hold that is no business of the job."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_benchmark_aws.core.guest_result import LEFT_OUT, REFUSED
from pytest_benchmark_aws.core.values.plain_json import shortened

_MOST_NAME, _MOST_NOTE = 200, 1_000
"""Characters of a node id and of a guest's sentence in a note."""
_SHOWN = 5
"""Sentences of a kind that are said one by one."""


@dataclass(slots=True)
class GuestTest:
    """What became of one case on the instance."""

    started: bool = False
    reports: list[dict[str, Any]] = field(default_factory=list)
    """Of all its attempts, as pytest-rerunfailures makes them; none where it has not ended, or was refused."""
    benchmarks: list[dict[str, Any]] = field(default_factory=list)
    """Of its last attempt, and none of one that failed, whose timing is of what does not work."""
    warnings: list[dict[str, Any]] = field(default_factory=list)
    refused: str = ""
    """Why what it brought is not taken."""

    @property
    def failed(self) -> bool:
        """Whether it counts as a failure."""
        return bool(self.refused) or any(report["outcome"] == "failed" for report in self.reports)


@dataclass(frozen=True, slots=True)
class GuestTests:
    """All cases of a launch."""

    by_id: Mapping[str, GuestTest]
    """Bare node id -> what became of it; each of the job's cases has one."""
    notes: tuple[str, ...]
    """Sentences on what is left out, and on what the guest itself left out."""


def cases_of(lines: Iterable[Mapping[str, Any]], node_ids: Collection[str]) -> GuestTests:
    """What the lines of a launch say of its cases, whose bare node ids these are."""
    tests = {node_id: GuestTest() for node_id in node_ids}
    left_out: list[str] = []
    noted: list[str] = []
    for line in lines:
        kind, node_id = line["kind"], line.get("nodeid", "")
        test = tests.get(node_id)
        if kind == "note":
            noted.append(": ".join([*[_name(node_id)] * bool(node_id), shortened(line["text"], _MOST_NOTE)]))
        elif kind in {REFUSED, LEFT_OUT} and test is not None and line["of"] == "test":
            test.refused = test.refused or line["text"]
        elif kind in {REFUSED, LEFT_OUT}:
            left_out.append(f"left out of the result: {line['text']}")
        elif kind == "test" and test is None:
            left_out.append(f"left out of the result: {_name(node_id)}, which is no case of the job")
        elif test is not None:
            left_out += _take(test, line)
    for test in tests.values():
        if test.refused:
            test.reports, test.benchmarks = [], []
    return GuestTests(tests, (*_few(left_out), *_few(noted)))


def _take(test: GuestTest, line: Mapping[str, Any]) -> Iterable[str]:
    """Notes a line of a case; gives what is left out of it."""
    if line["kind"] == "start":
        test.started = True
    elif line["kind"] == "warning":
        test.warnings.append(dict(line))
    elif line["kind"] == "test":
        test.reports += line["reports"]
        own = [bench for bench in line["benchmarks"] if bench["fullname"] == line["nodeid"]]
        failed = any(report["outcome"] == "failed" for report in line["reports"])
        test.benchmarks = [] if failed else own[-1:]
        for bench in line["benchmarks"]:
            if bench["fullname"] != line["nodeid"]:
                yield f"left out of the result: a benchmark {_name(bench['fullname'])} of {_name(line['nodeid'])}"


def _name(node_id: str) -> str:
    return node_id if len(node_id) <= _MOST_NAME else f"{node_id[:_MOST_NAME]}..."


def _few(sentences: list[str]) -> list[str]:
    if len(sentences) <= _SHOWN:
        return sentences
    return [*sentences[:_SHOWN], f"and {len(sentences) - _SHOWN:,} more of this kind"]

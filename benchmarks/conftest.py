"""What the benchmarks share: threads, the data and a trained model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from benchmarks import workload as shapes
from benchmarks.pinning import pinned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import lightgbm as lgb

    from benchmarks.problem import Problem
    from benchmarks.workload import Workload


GUEST = "PYTEST_BENCHMARK_AWS_GUEST"
R = TypeVar("R")
_DATA_NOTES = pytest.StashKey[list[str]]()


@pytest.hookimpl(trylast=True)  # below pytest-benchmark's own tables
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The tables of what a marker chooses; what was done with each column of the user's own data, where it was read."""
    _write_tables(terminalreporter)
    notes = terminalreporter.config.stash.get(_DATA_NOTES, [])
    if notes:
        terminalreporter.write_sep("-", f"data: {terminalreporter.config.getoption('data')}")
    for note in notes:
        terminalreporter.write_line("".join(char if char.isprintable() else repr(char)[1:-1] for char in note))


def _write_tables(terminalreporter: pytest.TerminalReporter) -> None:
    """From pytest-benchmark's results of this session, which with ``--aws`` came from the instances."""
    session: Any = getattr(terminalreporter.config, "_benchmarksession", None)
    groups = {"levers", "peers", "compiled"}
    measured = [bench for bench in (session.benchmarks if session else ()) if bench.group in groups]
    skipped = list(_skipped(terminalreporter, "test_predict_compiled"))
    if not measured and not skipped:
        return
    from benchmarks import learners, levers
    from benchmarks.compiled import table

    lines = [
        *levers.lines_of(list(_read(levers.read, measured, "levers"))),
        *learners.lines_of(list(_read(learners.read, measured, "peers"))),
        *table.lines_of(list(_read(table.read, measured, "compiled")), table.left_out(skipped)),
    ]
    for line in lines:
        terminalreporter.write_line(line)


def _skipped(terminalreporter: pytest.TerminalReporter, test: str) -> Iterator[tuple[str, str]]:
    """The ids of the test's skipped cases, with the reasons."""
    for report in terminalreporter.stats.get("skipped", []):
        longrepr = getattr(report, "longrepr", None)
        if f"::{test}[" in report.nodeid and isinstance(longrepr, tuple):
            yield report.nodeid, longrepr[2].removeprefix("Skipped: ")


def _read(read: Callable[[float, Mapping[str, Any]], R | None], measured: Iterable[Any], group: str) -> Iterator[R]:
    """The group's results, those that were timed."""
    for bench in measured:
        result = read(bench.stats.median, bench.extra_info) if bench.group == group else None
        if result is not None:
            yield result


@pytest.hookimpl(trylast=True)  # after the marks' own parameters, so that ids read scale-variant-threads
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Threads without duplicates: on two cores without SMT, 1 and vcpus. Levers and peers have one number of them.

    Compiled models have one thread, and one for each vCPU.
    """
    if "threads" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("threads") or ("1" if _has_one_number(metafunc.definition) else None)
    # With --aws, what differs is known on the instance only: there too each name is a case.
    everywhere = metafunc.config.getoption("aws", None) or GUEST in os.environ
    several = shapes.THREADS if everywhere else shapes.distinct_threads()
    if metafunc.definition.get_closest_marker("compiled"):
        several = [name for name in several if name in {"1", "vcpus"}]
    metafunc.parametrize("threads", [chosen] if chosen else several)


def _has_one_number(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("levers", "peers"))


@pytest.fixture(autouse=True)
def skip_same_threads(request: pytest.FixtureRequest) -> None:
    """On an instance, skips a thread parameter that is the same number as another one's."""
    if request.config.getoption("threads") or _has_one_number(request.node):
        return
    callspec = getattr(request.node, "callspec", None)
    threads = None if callspec is None else callspec.params.get("threads")
    if threads is not None and threads not in shapes.distinct_threads():
        pytest.skip(f"{threads} is {shapes.thread_count(threads)} here, as another of {', '.join(shapes.THREADS)}")


@pytest.fixture(autouse=True)
def pin_to_a_socket(request: pytest.FixtureRequest, skip_same_threads: None) -> Iterator[None]:  # noqa: ARG001
    """Where the threads are ``socket``, they run on one CPU of each core of one socket, and nowhere else."""
    callspec = getattr(request.node, "callspec", None)
    if callspec is None or callspec.params.get("threads") != "socket":
        yield
        return
    from pytest_benchmark_aws.machine.hardware import socket_cpus

    with pinned(socket_cpus()):
        yield


@pytest.fixture(scope="session")
def workload(scale: str) -> Workload:
    """The shape of this scale."""
    return shapes.parse_scale(scale)


@pytest.fixture(scope="session")
def problem(request: pytest.FixtureRequest, workload: Workload) -> Problem:
    """The data: generated once and cached on disk, or the user's own."""
    path = request.config.getoption("data")
    if path is not None:
        from benchmarks.datafile import load

        problem, request.config.stash[_DATA_NOTES] = load(
            path, request.config.getoption("label"), na_values=request.config.getoption("na_values")
        )
        return problem
    from benchmarks import datacache

    return datacache.load(workload.rows, workload.validation_rows)


@pytest.fixture(scope="session")
def booster(problem: Problem, workload: Workload) -> lgb.Booster:
    """A regularized model of this scale, trained with all vCPUs."""
    from benchmarks.training import bare_train, parameters

    params = parameters("regularized", workload.classes, shapes.thread_count("vcpus"))
    return bare_train(problem, params, workload.boosting_rounds)

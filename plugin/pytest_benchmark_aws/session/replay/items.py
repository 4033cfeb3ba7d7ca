"""Remote reports and timings -> this pytest session: outcomes, tracebacks and benchmarks as if the tests had run here.

The only module that touches private parts of pytest and pytest-benchmark: ``SetupState`` and ``BenchmarkSession``. What
a guest sends is shown as text that steers no terminal, and names no file that is read.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.model import Case
from pytest_benchmark_aws.report.text import printable, printable_block
from pytest_benchmark_aws.session.replay.reports import failure, read_reports

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one case brought."""

    case: Case
    reports: tuple[dict[str, Any], ...]
    """Serialized by pytest on the instance; none where the test has not ended there."""
    benchmarks: tuple[dict[str, Any], ...]
    warnings: tuple[dict[str, Any], ...] = ()
    missing: str = ""
    """Why there are no reports."""
    stopped: bool = False
    """Whether its launch was stopped as a test had failed elsewhere, so that the case is none that failed."""
    remote_root: str = ""
    """The rootdir there."""
    extra_info: Mapping[str, Any] = field(default_factory=dict)
    """What is known of the machine, for stock tools that drop machine_info."""


def replay_warning(config: pytest.Config, node_id: str, line: Mapping[str, Any]) -> None:
    """Shows a warning that pytest recorded on the instance."""
    name = printable(line["category"])
    category = type(name if name.isidentifier() else "Warning", (UserWarning,), {})
    # With a line of source, if an empty one: without it Python would read that of the file of this name here.
    source = line.get("line")
    message = warnings.WarningMessage(
        category(printable_block(line["text"])),
        category,
        printable(line["filename"]),
        line["lineno"],
        line=printable_block(source) if isinstance(source, str) else "",
    )
    config.hook.pytest_warning_recorded.call_historic(
        kwargs={"warning_message": message, "when": line["when"], "nodeid": node_id, "location": None}
    )


def replay(item: pytest.Item, nextitem: pytest.Item | None, replayed: Replayed) -> None:
    """Reports an item's phases and hands its benchmarks to pytest-benchmark."""
    hook = item.ihook
    debugger = item.config.getoption("usepdb", False)  # has nothing to look at here
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _reports(item, replayed):
        hook.pytest_runtest_logreport(report=report)
        if report.failed and not hasattr(report, "wasxfail") and not debugger:
            hook.pytest_exception_interact(node=item, call=_call(report), report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    for line in replayed.warnings:
        replay_warning(item.config, item.nodeid, line)
    _add_benchmarks(item, replayed)
    # What earlier items set up for others is torn down where the next one does not need it.
    setup_state: Any = item.session._setupstate
    if any(node not in (nextitem.listchain() if nextitem else ()) for node in setup_state.stack):
        setup_state.teardown_exact(nextitem)


def _reports(item: pytest.Item, replayed: Replayed) -> list[pytest.TestReport]:
    """The reports of the item's phases; of a case without any, a failure that says why there are none."""
    if not replayed.reports:
        return failure(item, replayed.missing)
    return read_reports(item, replayed.reports, replayed.remote_root)


def _call(report: pytest.TestReport) -> Any:
    """What plugins that look at exceptions expect beside a report."""
    return SimpleNamespace(
        when=report.when, excinfo=None, start=report.start, stop=report.stop, duration=report.duration
    )


def _add_benchmarks(item: pytest.Item, replayed: Replayed) -> None:
    session = getattr(item.config, "_benchmarksession", None)
    if session is None or session.disabled:
        return
    callspec: Any = item.callspec  # type: ignore[attr-defined]  # only parametrized items are replayed
    machine = {"aws_instance_type": replayed.case.target.instance_type}
    for data in replayed.benchmarks:
        meta = remote_benchmark(
            {
                **data,
                "name": item.name,
                "fullname": item.nodeid,
                "param": param_of(callspec.id, str(replayed.case.target)),
                "params": {**(data.get("params") or {}), **machine},
                "extra_info": {**(data.get("extra_info") or {}), **replayed.extra_info},
            }
        )
        meta.params = {**callspec.params, **machine}  # as a project's hooks find them here
        session.benchmarks.append(meta)


def param_of(callspec_id: str, target: str) -> str | None:
    """The parameters' id as it is without ``--aws``, which has the target last; None where there are no others."""
    return None if callspec_id == target else callspec_id.removesuffix(f"-{target}")


def remote_benchmark(sent: Mapping[str, Any]) -> Any:
    """A benchmark as pytest-benchmark has it, of what an instance sent.

    For a file it has the parameters as they were sent, which JSON has words for.
    """
    from pytest_benchmark.stats import Metadata

    def as_dict(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        fields: dict[str, Any] = stock.as_dict(self, *args, **kwargs)
        return {**fields, "params": sent.get("params")} if "stats" in fields else fields

    stock: Any = Metadata
    remote: Any = type("RemoteBenchmark", (stock,), {"as_dict": as_dict})
    fixture = SimpleNamespace(
        name=sent["name"],
        fullname=sent["fullname"],
        group=sent.get("group"),
        param=sent.get("param"),
        params=sent.get("params"),
        extra_info=sent.get("extra_info") or {},
        cprofile_stats=None,
        has_error=False,
    )
    meta = remote(fixture, iterations=sent["stats"]["iterations"], options=sent.get("options") or {})
    meta.stats = remote_stats(sent["stats"])
    return meta


def remote_stats(measured: Mapping[str, Any]) -> Any:
    """Statistics as pytest-benchmark has them, as they were computed on the instance over all rounds.

    Of the rounds there may be fewer here; what the instance does not say is computed of these.
    """
    from pytest_benchmark.stats import Stats

    stats: Any = Stats()
    stats.data = list(measured["data"])
    said = {name: measured[name] for name in Stats.fields if name in measured}
    if len(said) < len(Stats.fields):
        said = {**stats.as_dict(), **said}
    # Some of stock's are properties, which only a class can take the place of.
    remote: Any = type("RemoteStats", (Stats,), said)()
    remote.data = stats.data
    return remote

"""Remote reports and timings -> this pytest session: outcomes, tracebacks and benchmarks as if the tests had run here.

The only module that touches private parts of pytest and pytest-benchmark: ``SetupState`` and ``BenchmarkSession``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_benchmark_aws.core.model import Case


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
    remote_root: str = ""
    """The rootdir there."""
    extra_info: Mapping[str, Any] = field(default_factory=dict)
    """What is known of the machine, for stock tools that drop machine_info."""


def replay_warning(config: pytest.Config, node_id: str, line: Mapping[str, Any]) -> None:
    """Shows a warning that pytest recorded on the instance."""
    category = type(str(line["category"]), (UserWarning,), {})
    message = warnings.WarningMessage(category(line["text"]), category, line["filename"], line["lineno"])
    config.hook.pytest_warning_recorded.call_historic(
        kwargs={"warning_message": message, "when": line["when"], "nodeid": node_id, "location": None}
    )


def replay(item: pytest.Item, nextitem: pytest.Item | None, replayed: Replayed) -> None:
    """Reports an item's phases and hands its benchmarks to pytest-benchmark."""
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _reports(item, replayed):
        hook.pytest_runtest_logreport(report=report)
        if report.failed and not hasattr(report, "wasxfail"):
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
    keywords: dict[str, Any] = dict.fromkeys(item.keywords, 1)
    if not replayed.reports:
        return [
            pytest.TestReport(item.nodeid, item.location, keywords, "passed", None, "setup"),
            pytest.TestReport(item.nodeid, item.location, keywords, "failed", replayed.missing, "call"),
            pytest.TestReport(item.nodeid, item.location, keywords, "passed", None, "teardown"),
        ]
    reports = []
    for data in replayed.reports:
        report: Any = item.config.hook.pytest_report_from_serializable(config=item.config, data=dict(data))
        report.nodeid, report.location = item.nodeid, item.location
        # JSON has no tuples, and plugins tell a skip by one: (path, line, reason).
        if isinstance(report.longrepr, list):
            path, line, reason = report.longrepr
            report.longrepr = str(path).replace(replayed.remote_root, str(item.config.rootpath), 1), line, reason
        report.user_properties = [tuple(pair) for pair in report.user_properties]
        report.keywords = {**keywords, **report.keywords}
        reports.append(report)
    return reports


def _call(report: pytest.TestReport) -> Any:
    """What plugins that look at exceptions expect beside a report."""
    return SimpleNamespace(
        when=report.when, excinfo=None, start=report.start, stop=report.stop, duration=report.duration
    )


def _add_benchmarks(item: pytest.Item, replayed: Replayed) -> None:
    session = getattr(item.config, "_benchmarksession", None)
    if session is None or session.disabled:
        return
    from pytest_benchmark.stats import Metadata

    for data in replayed.benchmarks:
        fixture = SimpleNamespace(
            name=item.name,
            fullname=item.nodeid,
            group=data.get("group"),
            param=item.callspec.id,  # type: ignore[attr-defined]  # only parametrized items are replayed
            params={**(data.get("params") or {}), "aws_instance_type": replayed.case.target.instance_type},
            extra_info={**(data.get("extra_info") or {}), **replayed.extra_info},
            cprofile_stats=None,
            has_error=False,
        )
        meta = Metadata(fixture, iterations=data["stats"]["iterations"], options=data.get("options") or {})
        meta.stats.data.extend(data["stats"]["data"])
        session.benchmarks.append(meta)

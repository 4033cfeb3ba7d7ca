"""A guest's serialized reports -> pytest's, with nothing in them that a hook of this session would break at."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from pytest_benchmark_aws.core.values.plain_json import shortened
from pytest_benchmark_aws.report.text import printable_block, with_texts

_NEEDED = ("outcome", "when", "longrepr")
_OURS = frozenset({"nodeid", "location", "keywords", "sections", "user_properties", "duration", "start", "stop"})
"""Fields that are made anew, or checked by kind."""
_NOT_TAKEN = frozenset({"url", "node", "worker_id", "testrun_uid", "item_index", "result"})
"""Fields of pytest-xdist's and others' reports, which pytest's own plugins take for what it made itself."""
_TIMES = ("duration", "start", "stop")
_MOST_WHY = 500


class ReportError(ValueError):
    """A report cannot be shown; the message says why."""


def failure(item: pytest.Item, why: str) -> list[pytest.TestReport]:
    """The reports of an item that failed for this reason."""
    keywords: dict[str, Any] = dict.fromkeys(item.keywords, 1)
    return [
        pytest.TestReport(item.nodeid, item.location, keywords, "passed", None, "setup"),
        pytest.TestReport(item.nodeid, item.location, keywords, "failed", why, "call"),
        pytest.TestReport(item.nodeid, item.location, keywords, "passed", None, "teardown"),
    ]


def read_reports(item: pytest.Item, reports: Iterable[Mapping[str, Any]], remote_root: str) -> list[pytest.TestReport]:
    """The reports of an item's phases; where one of them cannot be shown, a failure that says why."""
    try:
        return [_report(item, report, remote_root) for report in reports if _has_a_word(item.config, report)]
    except ReportError as error:
        return failure(item, f"its report from the instance cannot be shown: {printable_block(str(error))}")


def _has_a_word(config: pytest.Config, report: Mapping[str, Any]) -> bool:
    """Whether this session has a word for it: for attempts that were run again, only pytest-rerunfailures has."""
    return report["outcome"] != "rerun" or config.pluginmanager.hasplugin("rerunfailures")


def _report(item: pytest.Item, data: Mapping[str, Any], remote_root: str) -> pytest.TestReport:
    fields = {
        **_own(item, data),
        **{name: with_texts(value, printable_block) for name, value in data.items() if _is_allowed(name)},
    }
    missing = [name for name in _NEEDED if name not in fields]
    if missing:
        raise ReportError(f"it has no {', '.join(missing)}")
    if isinstance(fields["longrepr"], list):  # JSON has no tuples, and plugins tell a skip by one: (path, line, reason)
        fields["longrepr"] = _skip(fields["longrepr"], remote_root, str(item.config.rootpath))
    try:
        report: Any = item.config.hook.pytest_report_from_serializable(config=item.config, data=fields)
        if report is None:
            kind = data.get("$report_type") or data.get("_report_type")
            raise ReportError(f"no plugin of this session reads reports of the kind {kind!r}")
        report.nodeid, report.location = item.nodeid, item.location
        _try(item.config, report)
    except ReportError:
        raise
    except Exception as error:  # pytest's own reader and writer of reports take anything for granted
        text = "an entry of its traceback is of no kind that pytest knows" if isinstance(error, RuntimeError) else error
        raise ReportError(f"{type(error).__name__}: {shortened(str(text), _MOST_WHY)}") from error
    return report  # type: ignore[no-any-return]


def _own(item: pytest.Item, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that this session makes, or whose kind it knows."""
    keywords, sections = data.get("keywords") or {}, data.get("sections") or []
    properties = data.get("user_properties") or []
    if not isinstance(keywords, dict) or not _are_pairs(sections) or not _are_pairs(properties):
        raise ReportError("its keywords are no object, or its sections or user_properties no pairs")
    if not all(isinstance(content, str) for _, content in sections):
        raise ReportError("its sections are no texts")
    times = {name: data.get(name, 0) for name in _TIMES}
    if any(type(value) not in {int, float} or abs(value) > 1e12 for value in times.values()):
        raise ReportError("its times are no seconds")
    return {
        "nodeid": item.nodeid,
        "location": item.location,
        "keywords": {**dict.fromkeys(item.keywords, 1), **{printable_block(name): 1 for name in keywords}},
        "sections": [(printable_block(name), printable_block(content)) for name, content in sections],
        "user_properties": [(printable_block(name), with_texts(value, printable_block)) for name, value in properties],
        **times,
    }


def _are_pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in value
    )


def _is_allowed(name: str) -> bool:
    """Whether a field of a report is the guest's to say: none that would hide a method of pytest's own class."""
    return name not in _OURS | _NOT_TAKEN and not hasattr(pytest.TestReport, name)


def _skip(longrepr: list[Any], remote_root: str, root: str) -> tuple[str, int | None, str]:
    if len(longrepr) != 3 or not (isinstance(longrepr[0], str) and isinstance(longrepr[2], str)):
        raise ReportError("its longrepr is no path, line and reason")
    path, line, reason = longrepr
    if line is not None and type(line) is not int:
        raise ReportError("the line in its longrepr is no number")
    return path.replace(remote_root, root, 1) if remote_root else path, line, reason


def _try(config: pytest.Config, report: Any) -> None:
    """Does with a report what pytest's own plugins will do with it.

    Raises:
        ReportError: they cannot.
    """
    status = config.hook.pytest_report_teststatus(report=report, config=config)
    outcome = report.outcome
    unknown = outcome, "F", outcome.upper()  # what pytest says of an outcome that it does not know
    if outcome not in {"passed", "failed", "skipped"} and status == unknown:
        raise ReportError(f"its outcome is {outcome[:40]!r}")
    if not isinstance(getattr(report, "wasxfail", ""), str):
        raise ReportError("its wasxfail is no text")
    longrepr = report.longrepr
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None and not (
        isinstance(crash.path, str) and type(crash.lineno) is int and isinstance(crash.message, str)
    ):
        raise ReportError("its reprcrash is no path, line and message")
    if isinstance(longrepr, dict) or (
        report.skipped and not hasattr(report, "wasxfail") and not isinstance(longrepr, tuple)
    ):
        raise ReportError("its longrepr is none of pytest's")
    if longrepr is not None:
        from _pytest._io import TerminalWriter

        report.toterminal(TerminalWriter(io.StringIO()))
        str(longrepr)

"""A pytest plugin for the instance: writes each test's reports and timings to a file as soon as it is done.

One JSON object a line, so that a killed pytest loses one line at most. The first line describes the machine.
"""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "PYTEST_BENCHMARK_AWS_CHECKPOINT"


def pytest_configure(config: pytest.Config) -> None:  # noqa: D103 -- pytest documents its hooks
    path = os.environ.get(PATH)
    if path:
        config.pluginmanager.register(Checkpoint(config, path), "benchmark_aws_checkpoint")


class Checkpoint:
    """Writes the checkpoint file as pytest's hooks are called."""

    def __init__(self, config: pytest.Config, path: str) -> None:
        self._config = config
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 -- open as long as the session
        self._measured = 0
        self._reports: list[dict[str, Any]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Writes what machine this is, before anything is timed."""
        benchmarks = self._benchmark_session()
        info = None if benchmarks is None else benchmarks.get_machine_info()
        root = str(self._config.rootpath)
        collected = [item.nodeid for item in session.items]
        self._write({"kind": "session", "machine_info": info, "rootdir": root, "collected": collected})

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Writes that a test begins: where it never ends, this tells which it was."""
        self._reports = []
        self._write({"kind": "start", "nodeid": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps the report of a test's phase; after the last phase writes the test, with what it measured."""
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._reports.append(data)
        if report.when == "teardown":
            line = {"kind": "test", "nodeid": report.nodeid, "reports": self._reports, "benchmarks": self._new()}
            self._write(line)

    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str) -> None:
        """Writes a warning, for the session at home to show."""
        text, category = str(warning_message.message), warning_message.category.__name__
        where = {"filename": warning_message.filename, "lineno": warning_message.lineno}
        self._write({"kind": "warning", "nodeid": nodeid, "when": when, "category": category, "text": text, **where})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Writes why a file could not be collected."""
        if report.failed:
            self._write({"kind": "collect-error", "nodeid": report.nodeid, "text": report.longreprtext})

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Writes that the session ended by itself."""
        self._write({"kind": "finish", "exit": int(exitstatus)})
        self._file.close()

    def _new(self) -> list[dict[str, Any]]:
        """The benchmarks since the last test, without those that failed."""
        session = self._benchmark_session()
        if session is None:
            return []
        benchmarks = session.benchmarks[self._measured :]
        self._measured += len(benchmarks)
        return [bench.as_dict(include_data=True) for bench in benchmarks if bench and not bench.has_error]

    def _benchmark_session(self) -> Any:
        return getattr(self._config, "_benchmarksession", None)

    def _write(self, line: Mapping[str, Any]) -> None:
        # As pytest-benchmark writes its own files: what JSON has no word for becomes its text.
        try:
            text = json.dumps(line, default=str, allow_nan=False)
        except ValueError:
            text = json.dumps(_finite(json.loads(json.dumps(line, default=str))))
        self._file.write(text + "\n")
        self._file.flush()


def _finite(value: Any) -> Any:
    """The value with NaN and the infinities, which are no JSON, as text; at home they are refused."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)

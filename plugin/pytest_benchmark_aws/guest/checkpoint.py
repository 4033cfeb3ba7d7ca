"""A pytest plugin for the instance: writes each test's reports and timings to a file as soon as it is done.

One JSON object a line, so that a killed pytest loses one line at most. The first line describes the machine. All lines
of a launch together are bounded: texts, values and rounds get a share of what is left.
"""

from __future__ import annotations

import json
import linecache
import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core.compare.records import MOST_ROUNDS, thin
from pytest_benchmark_aws.core.values.plain_json import MOST_SIZE, MOST_TEXT, MOST_VALUES, Bounds, plain, plain_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "PYTEST_BENCHMARK_AWS_CHECKPOINT"
BUDGET = 64 * 2**20
"""Bytes that a launch's lines have in all: a quarter of what the client reads of a result."""
_SHARE = 100
"""Bytes that are left, for each character of a text or each round of a benchmark: one takes a quarter at most."""
VALUES = 4_000_000
"""Values of the params and extra_info of all tests of a launch: with the rounds, fewer than the client reads."""
LEAST_TEXT = 1_000
"""Characters that a text keeps in any case."""
LEAST_SIZE = 10_000
"""Characters that the params, or the extra_info, of a test have in any case."""
LEAST_VALUES = 1_000
"""The same of values."""
_TEST_SHARE = 16
"""Bytes that are left, for each of the params, or of the extra_info, of a test."""
_VALUE_SHARE = 40
"""Values that are left, for each of these."""
_MARKED = ("params", "extra_info", "options")
"""Fields of a benchmark, objects that a test or a project fills."""
MOST_WARNINGS = 1_000


def pytest_configure(config: pytest.Config) -> None:  # noqa: D103 -- pytest documents its hooks
    path = os.environ.get(PATH)
    if path:
        config.pluginmanager.register(Checkpoint(config, path), "benchmark_aws_checkpoint")


class Checkpoint:
    """Writes the checkpoint file as pytest's hooks are called."""

    def __init__(self, config: pytest.Config, path: str) -> None:
        self._config = config
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 -- open as long as the session
        self._save_data = bool(config.getoption("benchmark_save_data", False))
        self._left, self._values_left = BUDGET, VALUES
        self._measured = self._warnings = 0
        self._reports: list[dict[str, Any]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self) -> None:
        """Writes what machine this is, before anything is timed."""
        self._write({"kind": "session", "machine_info": self._machine_info(), "rootdir": str(self._config.rootpath)})

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Writes that a test begins: where it never ends, this tells which it was."""
        self._reports = []
        self._write({"kind": "start", "nodeid": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps the report of a test's phase; after the last phase writes the test, with what it measured."""
        self._reports.append(self._serialized(report))
        if report.when == "teardown":
            self._write({"kind": "test", "nodeid": report.nodeid}, reports=self._reports, benchmarks=self._new())

    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str) -> None:
        """Writes a warning with its line of source, for the session at home to show."""
        self._warnings += 1
        if self._warnings > MOST_WARNINGS:
            return
        text, category = str(warning_message.message), warning_message.category.__name__
        filename, lineno = warning_message.filename, warning_message.lineno
        where = {"filename": filename, "lineno": lineno, "line": linecache.getline(filename, lineno)}
        self._write({"kind": "warning", "nodeid": nodeid, "when": when, "category": category, "text": text, **where})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Writes why a file could not be collected."""
        if report.failed:
            self._write({"kind": "collect-error", "nodeid": report.nodeid, "text": report.longreprtext})

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Writes that the session ended by itself."""
        if self._warnings > MOST_WARNINGS:
            left_out = f"{self._warnings - MOST_WARNINGS:,} warnings after the first {MOST_WARNINGS:,} are left out"
            self._write({"kind": "note", "nodeid": "", "text": left_out})
        self._write({"kind": "finish", "exit": int(exitstatus)})
        self._file.close()

    def _serialized(self, report: pytest.TestReport) -> dict[str, Any]:
        """The report as pytest sends it elsewhere; one that pytest cannot send so, as text."""
        hook = self._config.hook
        # Asked for a status, pytest changes the outcome of a test whose subtests failed: it is part of the report.
        hook.pytest_report_teststatus(report=report, config=self._config)
        try:
            data: dict[str, Any] = hook.pytest_report_to_serializable(config=self._config, report=report)
        except Exception as error:  # another plugin's report, and its tests are paid for
            data = {"$report_type": "TestReport", "nodeid": report.nodeid, "location": list(report.location),
                    "keywords": {}, "outcome": report.outcome, "when": report.when, "sections": [],
                    "longrepr": report.longreprtext or None if report.failed else None}  # fmt: skip
            text = f"a report could not be sent whole ({type(error).__name__}: {error})"
            self._write({"kind": "note", "nodeid": report.nodeid, "text": text})
        return self._plain(data)

    def _new(self) -> list[dict[str, Any]]:
        """The benchmarks since the last test, without those that failed; of a test that was run again, its last."""
        session = self._benchmark_session()
        if session is None:
            return []
        benchmarks = session.benchmarks[self._measured :]
        self._measured += len(benchmarks)
        last = {bench.fullname: bench for bench in benchmarks if bench and not bench.has_error}
        return [self._as_dict(bench) for bench in last.values()]

    def _as_dict(self, bench: Any) -> dict[str, Any]:
        """A benchmark with its statistics, and of its rounds what ``--benchmark-save-data`` asks for."""
        fields = bench.as_dict(include_data=False)
        marked = {name: fields.pop(name) for name in _MARKED if isinstance(fields.get(name), dict)}
        data = {**self._plain(fields), "name": bench.name, "fullname": bench.fullname}
        data |= {name: self._bounded(bench, name, values) for name, values in marked.items()}
        rounds = bench.stats.data
        most = max(MOST_ROUNDS, self._left // _SHARE) if self._save_data else MOST_ROUNDS
        if len(rounds) > most:
            if self._save_data:
                text = (
                    f"{most:,} of its {len(rounds):,} rounds are sent, at evenly spread ranks: a launch's are bounded"
                )
                self._write({"kind": "note", "nodeid": bench.fullname, "text": text})
            rounds = thin(rounds, most)
        data["stats"]["data"] = [*map(float, rounds)]
        return data

    def _bounded(self, bench: Any, name: str, values: Mapping[Any, Any]) -> dict[str, Any]:
        """A benchmark's object within its share; a note says what of it is not whole: it must not be taken so."""
        share = max(LEAST_SIZE, min(MOST_SIZE, self._left // _TEST_SHARE))
        most = max(LEAST_VALUES, min(MOST_VALUES, self._values_left // _VALUE_SHARE))
        sent = plain_fields(values, Bounds(self._most_text(), most, share))
        self._values_left = max(0, self._values_left - sent.values)
        if sent.cut:
            text = f"{name} is not sent whole, as it is too long or too deep: {', '.join(sent.cut)}"
            self._write({"kind": "note", "nodeid": bench.fullname, "text": text})
        return sent.fields

    def _machine_info(self) -> Any:
        """What machine this is, as the project's hooks have it; where one of them raises, as if there were none."""
        benchmarks, config = self._benchmark_session(), self._config
        if benchmarks is None:
            return None
        try:
            return benchmarks.get_machine_info()
        except Exception as error:
            text = f"machine_info is without the project's hooks, as one raised {type(error).__name__}: {error}"
            self._write({"kind": "note", "nodeid": "", "text": text})
        names = "pytest_benchmark_generate_machine_info", "pytest_benchmark_update_machine_info"
        generate, update = (config.pluginmanager.subset_hook_caller(name, self._projects(name)) for name in names)
        info = generate(config=config)
        update(config=config, machine_info=info)
        return info

    def _projects(self, name: str) -> list[Any]:
        """The plugins with this hook that are neither pytest-benchmark nor ours."""
        hooks = getattr(self._config.hook, name).get_hookimpls()
        not_its = ("pytest_benchmark.", "pytest_benchmark_aws.")
        return [hook.plugin for hook in hooks if not hook.function.__module__.startswith(not_its)]

    def _benchmark_session(self) -> Any:
        return getattr(self._config, "_benchmarksession", None)

    def _most_text(self) -> int:
        return max(LEAST_TEXT, min(MOST_TEXT, self._left // _SHARE))

    def _plain(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields, each bounded by itself, so that none is crowded out by another."""
        bounds = Bounds(self._most_text())
        return {str(name): plain(value, bounds) for name, value in fields.items()}

    def _write(self, line: Mapping[str, Any], **plain_fields: Any) -> None:
        own_name = {"nodeid": line["nodeid"]} if "nodeid" in line else {}  # in whole, as it is found again by that
        text = json.dumps({**self._plain(line), **own_name, **plain_fields})
        self._left = max(0, self._left - len(text))
        self._file.write(f"{text}\n")
        self._file.flush()

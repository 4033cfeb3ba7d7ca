"""What a run brought home: replayed, stored, compared and told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.report.text import printable, printable_lines
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.session.regressions import Regressions, Sides
from pytest_benchmark_aws.session.replay import Replayed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from pytest_benchmark_aws.backends.ec2.backend import Ec2Backend
    from pytest_benchmark_aws.core.compare.machines import Measurement
    from pytest_benchmark_aws.core.model import Case
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.run.ledger import Finished

_LOG_TAIL = 25


@dataclass(slots=True)
class Launched:
    """A run that is over, and what it brought."""

    run_id: str
    folder: Path
    finished: tuple[Finished, ...]
    backend: Ec2Backend
    settings: Settings
    region: str
    embedded: bool
    saved: dict[str, Path]
    regressions: Regressions = field(default_factory=lambda: Regressions({}))

    @property
    def failed(self) -> bool:
        """Whether a launch ended otherwise than by its tests' own outcomes."""
        return any(one.outcome.outcome not in {"passed", "failed"} for one in self.finished)

    def replayed(self) -> Iterator[Replayed]:
        """What each case brought."""
        for one in self.finished:
            tests = {line["nodeid"]: line for line in one.outcome.lines if line["kind"] == "test"}
            warned: dict[str, list[dict[str, Any]]] = {}
            for told in one.outcome.lines:
                if told["kind"] == "warning":
                    warned.setdefault(told["nodeid"], []).append(told)
            root = next((line["rootdir"] for line in one.outcome.lines if line["kind"] == "session"), "")
            for case in one.job.cases:
                line = tests.get(case.bare_id)
                yield Replayed(
                    case=case,
                    reports=tuple(line["reports"]) if line else (),
                    benchmarks=tuple(_measured(line)) if line else (),
                    remote_root=root,
                    warnings=tuple(warned.get(case.bare_id, ())),
                    missing="" if line else self._missing(one, case),
                    extra_info=self._facts(one),
                )

    def save(self, config: pytest.Config, name: str | None) -> None:
        """Stores each launch that measured something, under its instance type."""
        commit = config.hook.pytest_benchmark_generate_commit_info(config=config)
        config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit)
        for one in self.finished:
            data = self.result(one, commit)
            if data["benchmarks"]:
                folder = storage.folder_name(str(one.job.target), embedded=self.embedded)
                file_name = storage.safe_name(name or self.run_id)
                there = storage.find(results_folder(config), folder, one.instance_id or "")
                self.saved[one.job.name] = there or storage.save(results_folder(config), folder, file_name, data)

    def result(self, one: Finished, commit: dict[str, Any] | None = None) -> dict[str, Any]:
        """A launch as pytest-benchmark's JSON, with node ids as they are on every machine."""
        from pytest_benchmark import __version__

        benchmarks = [bench for line in one.outcome.lines if line["kind"] == "test" for bench in _measured(line)]
        facts = self._facts(one)
        return {
            "machine_info": self._machine_info(one),
            "commit_info": commit or {},
            "benchmarks": [
                {**bench, "extra_info": {**(bench.get("extra_info") or {}), **facts}} for bench in benchmarks
            ],
            "datetime": datetime.now(timezone.utc).isoformat(),
            "version": __version__,
        }

    def load_compared(self, config: pytest.Config, wanted: str | bool | None) -> None:
        """``--benchmark-compare``: each instance type with its own saved files, never with another's."""
        if not wanted:
            return
        import json

        session: Any = config._benchmarksession  # type: ignore[attr-defined]
        mapping = dict(session.compared_mapping or {})
        place = results_folder(config)
        now: dict[tuple[str, str, str], list[Any]] = {}
        before: dict[tuple[str, str, str], list[Any]] = {}
        groups: dict[str, tuple[str, str, str]] = {}
        for one in self.finished:
            folder = storage.folder_name(str(one.job.target), embedded=self.embedded)
            files = [path for path in storage.latest(place, folder, wanted) if path != self.saved.get(one.job.name)]
            if wanted is True:  # the one before ours
                every = [path for path in storage.latest(place, folder, "") if path != self.saved.get(one.job.name)]
                files = every[-1:]
            for path in files:
                data = json.loads(path.read_text(encoding="utf-8"))
                known = {bench["fullname"]: bench for bench in data["benchmarks"]}
                found = {case.node_id: known[case.bare_id] for case in one.job.cases if case.bare_id in known}
                for case in one.job.cases:
                    if case.bare_id in known:
                        before.setdefault(_group(case), []).append(known[case.bare_id]["stats"])
                if found:
                    mapping[path.relative_to(place) if path.is_relative_to(place) else path] = found
            ours = {bench["fullname"]: bench for bench in self.result(one)["benchmarks"]}
            for case in one.job.cases:
                groups[case.node_id] = _group(case)
                if case.bare_id in ours:
                    now.setdefault(_group(case), []).append(ours[case.bare_id]["stats"])
        session.compared_mapping = mapping
        sides = {node_id: Sides(now.get(group, ()), before.get(group, ())) for node_id, group in groups.items()}
        self.regressions = Regressions(sides)
        session.compare_fail = self.regressions.wrapped(session.compare_fail or ())

    def describe_machines(self, output: dict[str, Any]) -> None:
        """The machines of a file that holds the results of this run."""
        machines = {one.job.name: self._machine_info(one) for one in self.finished if one.outcome.lines}
        if len(machines) == 1:
            output["machine_info"] = next(iter(machines.values()))
        elif machines:
            output["machine_info"] = {"node": "several, see machines", "machines": machines}
        if self.embedded:
            output["embedded"] = True

    def summarize(self, reporter: pytest.TerminalReporter) -> None:
        """The comparison, the files, the failed launches' logs, and how many instances are alive now."""
        from pytest_benchmark_aws.core.compare.machines import compare_machines
        from pytest_benchmark_aws.report.machines import write_machines
        from pytest_benchmark_aws.results.baselines import load_baselines

        catalog = snapshot.catalog()
        baselines, problems = load_baselines(self.settings, catalog)
        for problem in problems:
            reporter.write_line(f"aws: baseline left out: {problem}", yellow=True)
        sources = sorted({one.job.price.source for one in self.finished})
        note = f"prices: {', '.join(sources)}; on demand, Linux, {self.region}"
        tables = compare_machines(self.measurements(), baselines)
        if self.settings.launches > 1:
            self._write_joined(reporter, f"prices: {', '.join(sources)}")
        else:
            write_machines(reporter, tables, self.settings.throughput, embedded=self.embedded, price_note=note)
        for one in self.finished:
            if not one.outcome.whole or one.outcome.outcome.startswith(("error", "timeout")):
                reporter.write_line(f"  ✗ {one.job.name}: {printable_lines(one.outcome.outcome)}", red=True)
                for line in one.outcome.log.splitlines()[-_LOG_TAIL:]:
                    reporter.write_line(f"    | {printable(line)}")
        for line in self.regressions.lines():
            reporter.write_line(printable(line), yellow=True)
        for path in self.saved.values():
            reporter.write_line(f"  saved {_short(path)}")
        total = sum(float(one.usd) for one in self.finished)
        billed = "would have cost" if self.embedded else "cost"
        reporter.write_line(f"  run {self.run_id} {billed} ≈ {total:.4f} USD; logs in {self.folder}")
        alive = self.backend.alive()
        if self.settings.detach:
            reporter.write_line(f"  left to themselves; fetch their results with: pytest --aws-resume {self.run_id}")
        where = " on embedded AWS" if self.embedded else ""
        names = f": {', '.join(alive)}" if alive else ""
        reporter.write_line(
            f"{len(alive)} instances of this run are alive{where}{names}",
            bold=True,
            red=bool(alive) and not self.settings.detach,
        )

    def _write_joined(self, reporter: pytest.TerminalReporter, price_note: str) -> None:
        """The launches of each instance type in one row, as ``pytest-benchmark-aws compare`` shows them."""
        from pytest_benchmark_aws.core.compare.records import Reading, parse_records
        from pytest_benchmark_aws.core.compare.tables import compare_records
        from pytest_benchmark_aws.report import columns
        from pytest_benchmark_aws.report.formats import sentences, text
        from pytest_benchmark_aws.report.formats.view import View

        how = Reading(snapshot.catalog(), self.settings.throughput, self.settings.scale_parameter)
        compared = compare_records(
            record for one in self.finished for record in parse_records(self.result(one), one.job.name, how)
        )
        by_test = columns.COLUMNS["test"]
        parts = columns.sections(compared.tables, by_test, None)
        shown_columns, agreed = columns.without_agreed(columns.default_columns(parts, by_test), parts)
        notes = [*agreed, *sentences.notes(compared, "median", None), price_note]
        for line in text.render(View(parts, shown_columns, "median", {}, (), notes, ()), colour=False).splitlines():
            reporter.write_line(line, cyan=line.startswith("▸"))

    def measurements(self) -> Iterator[Measurement]:
        """Each benchmark of each launch."""
        from pytest_benchmark_aws.core.compare.machines import Measurement
        from pytest_benchmark_aws.core.compare.results import parse_results

        catalog = snapshot.catalog()
        for one in self.finished:
            data = self.result(one)
            known = one.job.instance_type
            for result in parse_results(
                data, known.name, self.settings.throughput, self.settings.scale_parameter, catalog
            ):
                yield Measurement(
                    case=result.case,
                    machine=str(one.job.target),
                    scale=result.scale,
                    rounds=result.rounds,
                    throughput=result.throughput,
                    vcpus=known.vcpus,
                    memory_bytes=known.memory_bytes,
                    usd_per_hour=one.job.price.usd_per_hour,
                    billed_usd=one.usd,
                    flags=self._flags(one),
                    threads_per_core=result.threads_per_core,
                )

    def _flags(self, one: Finished) -> tuple[str, ...]:
        from pytest_benchmark_aws.core.launch_flags import flags

        told = ("on demand, spot was not to be had",) if one.job.fallback else ()
        return (*flags(one.outcome.phases), *told)

    def _facts(self, one: Finished) -> dict[str, Any]:
        facts = {
            "instance_type": one.job.target.instance_type,
            "market": one.job.market,
            "launch": one.job.target.launch,
            "region": self.region,
            "zone": one.zone,
            "instance_id": one.instance_id,
            "usd_per_hour": float(one.job.price.usd_per_hour),
            "price_source": one.job.price.source,
            "launch_usd": float(one.usd),
            "launch_seconds": one.billed_seconds,
            "run": self.run_id,
            "attempts": one.attempts,
            "flags": list(self._flags(one)),
            **({"fallback": "on demand, as spot was not to be had"} if one.job.fallback else {}),
        }
        return {**facts, "embedded": True} if self.embedded else facts

    def _machine_info(self, one: Finished) -> dict[str, Any]:
        info = next((line["machine_info"] for line in one.outcome.lines if line["kind"] == "session"), None) or {}
        told = info.get("ec2") or {}
        identity = {**told, "instance_type": one.job.target.instance_type, "instance_id": one.instance_id}
        identity |= {"zone": one.zone, "region": self.region, "market": one.job.market}
        if self.embedded or told.get("embedded"):
            identity["embedded"] = True
        return {**info, "ec2": identity, "phases": one.outcome.phases}

    def _missing(self, one: Finished, case: Case) -> str:
        """Why a case has no report, for whoever reads the failure."""
        lines = one.outcome.lines
        started = any(line["kind"] == "start" and line["nodeid"] == case.bare_id for line in lines)
        if one.outcome.outcome == "timeout":
            limit = f"--aws-time-limit of {self.settings.time_limit_s} s"
            why = (
                f"it had not ended at the {limit} and was interrupted"
                if started
                else f"the {limit} came before it began"
            )
        else:
            why = ("it began and never ended; " if started else "it never began; ") + one.outcome.outcome
        errors = [line["text"] for line in lines if line["kind"] == "collect-error"]
        log = f"\n\n{one.job.name}'s log, whose end is shown below: {self.folder / storage.safe_name(one.job.name)}.log"
        told = f"no result from {one.job.name}: {why}" + "".join(f"\n\n{text}" for text in errors)
        return printable_lines(told) + log


def _measured(line: dict[str, Any]) -> list[dict[str, Any]]:
    """A test's benchmarks; none of a test that failed, whose timing is of what does not work."""
    failed = any(report["outcome"] == "failed" for report in line["reports"])
    return [] if failed else list(line["benchmarks"])


def _group(case: Case) -> tuple[str, str, str]:
    """What launches of one test on one instance type have in common."""
    return case.bare_id, case.target.instance_type, case.target.market


def results_folder(config: pytest.Config) -> Path:
    """pytest-benchmark's storage, where that is a folder."""
    session: Any = config._benchmarksession  # type: ignore[attr-defined]
    path = getattr(session.storage, "path", None)
    return Path(path) if path is not None else config.rootpath / ".benchmarks"


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)

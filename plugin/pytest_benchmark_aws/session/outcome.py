"""What a run brought home: replayed, stored, compared and told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.report.text import printable_lines
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.session.regressions import Regressions, Sides
from pytest_benchmark_aws.session.replay import Replayed
from pytest_benchmark_aws.session.summary import broke_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from pytest_benchmark_aws.backends.ec2.backend import Ec2Backend
    from pytest_benchmark_aws.core.model import Case
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.run.ledger import Finished


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

    def _flags(self, one: Finished) -> tuple[str, ...]:
        from pytest_benchmark_aws.core.validity import flags

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
        below = ", whose end is shown below" if broke_off(one) else ""
        log = f"\n\n{one.job.name}'s log{below}: {self.folder / storage.safe_name(one.job.name)}.log"
        told = f"no result from {one.job.name}: {why}" + "".join(f"\n\n{text}" for text in errors)
        return printable_lines(told) + (log if one.outcome.log else "")


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

"""What became of a run's cases in this session: replayed, stored, compared as ``--benchmark-compare`` asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core.values.file_names import folder_name, safe_name
from pytest_benchmark_aws.report.text import printable_lines
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.session.extra_info import describe_machines, extra_info, machine_info
from pytest_benchmark_aws.session.regressions import Regressions, Sides
from pytest_benchmark_aws.session.replay import Replayed, replay

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.model import Case
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.run.ledger import Finished
    from pytest_benchmark_aws.run.start import RunOutcome


@dataclass(frozen=True, slots=True)
class Saving:
    """pytest-benchmark's options for files, which with ``--aws`` count for each instance type."""

    name: str | None
    """Of the files to save; None saves none but those of launches, under the run's id."""
    compare: str | bool | None
    """As ``--benchmark-compare`` has it: a number, a name, or True for the last file."""


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """A run that is over, and what this session made of it."""

    run: RunOutcome
    settings: Settings
    interrupted: bool
    replayed: Mapping[str, Replayed] = field(default_factory=dict)
    """By node id; a case that is not here runs here."""
    saved: Mapping[str, Path] = field(default_factory=dict)
    """Job -> the file of its results."""
    regressions: Regressions = field(default_factory=lambda: Regressions({}))

    @property
    def failed(self) -> bool:
        """Whether a launch ended otherwise than by its tests' own outcomes."""
        return any(launch.outcome.outcome not in {"passed", "failed"} for launch in self.run.finished)


SAVING = pytest.StashKey[Saving]()
OUTCOME = pytest.StashKey[SessionOutcome]()


def brought_home(outcome: SessionOutcome, config: pytest.Config, results: Path) -> SessionOutcome:
    """The outcome with what its cases brought, stored in the folder ``results`` and compared with what is there."""
    run, saving = outcome.run, config.stash[SAVING]
    outcome = replace(
        outcome, replayed=replayed_cases(run, outcome.settings), saved=saved_files(run, config, results, saving.name)
    )
    return replace(outcome, regressions=compare(outcome, config, results, saving.compare))


def replayed_cases(run: RunOutcome, settings: Settings) -> dict[str, Replayed]:
    """What each case of a run brought, by its node id in this session."""
    cases = {}
    for launch in run.finished:
        tests = {line["nodeid"]: line for line in launch.outcome.lines if line["kind"] == "test"}
        warnings: dict[str, list[dict[str, Any]]] = {}
        for line in launch.outcome.lines:
            if line["kind"] == "warning":
                warnings.setdefault(line["nodeid"], []).append(line)
        root = next((line["rootdir"] for line in launch.outcome.lines if line["kind"] == "session"), "")
        for case in launch.job.cases:
            test = tests.get(case.bare_id)
            cases[case.node_id] = Replayed(
                case=case,
                reports=tuple(test["reports"]) if test else (),
                benchmarks=tuple(_measured(test)) if test else (),
                remote_root=root,
                warnings=tuple(warnings.get(case.bare_id, ())),
                missing="" if test else _missing(run, settings, launch, case),
                extra_info=extra_info(run, launch),
            )
    return cases


def saved_files(run: RunOutcome, config: pytest.Config, results: Path, name: str | None) -> dict[str, Path]:
    """Stores each launch that measured something under its instance type in ``results``; job -> its file."""
    commit = _commit_info(config)
    paths = {}
    for launch in run.finished:
        data = result_json(run, launch, commit)
        if data["benchmarks"]:
            folder = folder_name(str(launch.job.target), embedded=run.embedded)
            file_name = safe_name(name or run.run_id)
            earlier = storage.find(results, folder, launch.instance_id or "")
            paths[launch.job.name] = earlier or storage.save(results, folder, file_name, data)
    return paths


def result_json(run: RunOutcome, launch: Finished, commit: dict[str, Any] | None = None) -> dict[str, Any]:
    """A launch as pytest-benchmark's JSON, with node ids as they are on every machine."""
    from pytest_benchmark import __version__

    benchmarks = [bench for line in launch.outcome.lines if line["kind"] == "test" for bench in _measured(line)]
    facts = extra_info(run, launch)
    return {
        "machine_info": machine_info(run, launch),
        "commit_info": commit or {},
        "benchmarks": [{**bench, "extra_info": {**(bench.get("extra_info") or {}), **facts}} for bench in benchmarks],
        "datetime": datetime.now(timezone.utc).isoformat(),
        "version": __version__,
    }


def compare(outcome: SessionOutcome, config: pytest.Config, results: Path, wanted: str | bool | None) -> Regressions:
    """``--benchmark-compare``: each instance type with its own saved files, never with another's.

    Gives pytest-benchmark's session what it compares with, and its checks the launches that they are judged by.
    """
    if not wanted:
        return outcome.regressions
    import json

    run, session = outcome.run, _benchmarks(config)
    mapping = dict(session.compared_mapping or {})
    now: dict[tuple[str, str, str], list[Any]] = {}
    before: dict[tuple[str, str, str], list[Any]] = {}
    groups: dict[str, tuple[str, str, str]] = {}
    for launch in run.finished:
        folder = folder_name(str(launch.job.target), embedded=run.embedded)
        ours = outcome.saved.get(launch.job.name)
        files = [path for path in storage.latest(results, folder, wanted) if path != ours]
        if wanted is True:  # the one before ours
            files = [path for path in storage.latest(results, folder, "") if path != ours][-1:]
        for path in files:
            data = json.loads(path.read_text(encoding="utf-8"))
            benchmarks = {bench["fullname"]: bench for bench in data["benchmarks"]}
            matching = [case for case in launch.job.cases if case.bare_id in benchmarks]
            for case in matching:
                before.setdefault(_group(case), []).append(benchmarks[case.bare_id]["stats"])
            if matching:
                place = path.relative_to(results) if path.is_relative_to(results) else path
                mapping[place] = {case.node_id: benchmarks[case.bare_id] for case in matching}
        measured = {bench["fullname"]: bench for bench in result_json(run, launch)["benchmarks"]}
        for case in launch.job.cases:
            groups[case.node_id] = _group(case)
            if case.bare_id in measured:
                now.setdefault(_group(case), []).append(measured[case.bare_id]["stats"])
    session.compared_mapping = mapping
    regressions = Regressions(
        {node_id: Sides(now.get(group, ()), before.get(group, ())) for node_id, group in groups.items()}
    )
    session.compare_fail = regressions.wrapped(session.compare_fail or ())
    return regressions


# What the hooks do with it, once there is one.


def replay_item(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Reports an item that ran on an instance; None for one that is to run here."""
    outcome = item.config.stash.get(OUTCOME, None)
    replayed = None if outcome is None else outcome.replayed.get(item.nodeid)
    if outcome is None or replayed is None:
        return None
    if replayed.reports or not outcome.interrupted:
        replay(item, nextitem, replayed)
    if outcome.interrupted and nextitem is None:
        raise KeyboardInterrupt
    return True


def finish(session: pytest.Session) -> None:
    """Saves what ran here, as pytest-benchmark would have; a launch that ended in error makes no success."""
    config = session.config
    benchmarks: Any = getattr(config, "_benchmarksession", None)
    saving, outcome = config.stash.get(SAVING, None), config.stash.get(OUTCOME, None)
    if outcome is not None and outcome.run.unclean:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    elif outcome is not None and outcome.failed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if benchmarks is None or saving is None or not saving.name:
        return
    remote = set() if outcome is None else set(outcome.replayed)
    local = [bench for bench in benchmarks.benchmarks if bench.fullname not in remote]
    if not local:
        return
    data = config.hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=local,
        include_data=benchmarks.save_data,
        machine_info=benchmarks.get_machine_info(),
        commit_info=_commit_info(config),
    )
    benchmarks.storage.save(data, saving.name)


def renumbered(config: pytest.Config, moved: Mapping[Path, Path]) -> None:
    """Takes note of files that got another number, as theirs was taken in a shared storage."""
    outcome = config.stash.get(OUTCOME, None)
    if outcome is not None:
        paths = {name: moved.get(path, path) for name, path in outcome.saved.items()}
        config.stash[OUTCOME] = replace(outcome, saved=paths)


def update_json(config: pytest.Config, output: dict[str, Any]) -> None:
    """Gives a file of remote results the machine that made them; of several, all of them."""
    outcome = config.stash.get(OUTCOME, None)
    if outcome is not None:
        describe_machines(outcome.run, output)


def _missing(run: RunOutcome, settings: Settings, launch: Finished, case: Case) -> str:
    """Why a case has no report, for whoever reads the failure."""
    lines = launch.outcome.lines
    started = any(line["kind"] == "start" and line["nodeid"] == case.bare_id for line in lines)
    if launch.outcome.outcome == "timeout":
        limit = f"--aws-time-limit of {settings.time_limit_s} s"
        why = f"it had not ended at the {limit} and was interrupted" if started else f"the {limit} came before it began"
    else:
        why = ("it began and never ended; " if started else "it never began; ") + launch.outcome.outcome
    errors = [line["text"] for line in lines if line["kind"] == "collect-error"]
    name = launch.job.name
    below = ", whose end is shown below" if launch.broke_off else ""
    log = f"\n\n{name}'s log{below}: {run.folder / safe_name(name)}.log"
    reason = f"no result from {name}: {why}" + "".join(f"\n\n{text}" for text in errors)
    return printable_lines(reason) + (log if launch.outcome.log else "")


def _measured(line: dict[str, Any]) -> list[dict[str, Any]]:
    """A test's benchmarks; none of a test that failed, whose timing is of what does not work."""
    failed = any(report["outcome"] == "failed" for report in line["reports"])
    return [] if failed else list(line["benchmarks"])


def _group(case: Case) -> tuple[str, str, str]:
    """What launches of one test on one instance type have in common."""
    return case.bare_id, case.target.instance_type, case.target.market


def _benchmarks(config: pytest.Config) -> Any:
    """pytest-benchmark's session."""
    return config._benchmarksession  # type: ignore[attr-defined]


def _commit_info(config: pytest.Config) -> dict[str, Any]:
    """The commit of the project, as pytest-benchmark's hooks describe it."""
    commit: dict[str, Any] = config.hook.pytest_benchmark_generate_commit_info(config=config)
    config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit)
    return commit


def results_folder(config: pytest.Config) -> Path:
    """pytest-benchmark's storage, where that is a folder."""
    path = getattr(_benchmarks(config).storage, "path", None)
    return Path(path) if path is not None else config.rootpath / ".benchmarks"

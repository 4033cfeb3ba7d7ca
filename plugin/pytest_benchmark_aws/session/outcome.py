"""What became of a run's cases in this session: replayed, stored, compared as ``--benchmark-compare`` asks."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core.guest_tests import GuestTests, cases_of
from pytest_benchmark_aws.core.values.file_names import folder_name, safe_name
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.session.ending import file_hooks
from pytest_benchmark_aws.session.extra_info import describe_machines, extra_info, machine_info
from pytest_benchmark_aws.session.replay.items import Replayed, replay
from pytest_benchmark_aws.session.replay.missing import unmeasured_note, why_missing
from pytest_benchmark_aws.session.replay.regressions import Regressions, Sides

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
    """Launch, by its id, -> the file of its results."""
    notes: tuple[str, ...] = ()
    """Sentences on what is left out of the results, or could not be stored."""
    raised: bool = False
    """Whether a hook of the project raised, so that the session does not end in order."""
    regressions: Regressions = field(default_factory=lambda: Regressions({}))

    @property
    def failed(self) -> bool:
        """Whether a launch ended otherwise than by its tests' own outcomes."""
        return any(launch.outcome.outcome not in {"passed", "failed"} for launch in self.run.finished)


SAVING = pytest.StashKey[Saving]()
OUTCOME = pytest.StashKey[SessionOutcome]()
SEARCHED = pytest.StashKey[Mapping[str, str]]()
"""Of a search: node id -> the instance type that it ran on."""
UNLAUNCHED = pytest.StashKey[frozenset[str]]()
"""Of a search: node ids of the cases of steps that were never launched."""


def brought_home(outcome: SessionOutcome, config: pytest.Config, results: Path) -> SessionOutcome:
    """The outcome with what its cases brought, stored in the folder ``results`` and compared with what is there."""
    run, saving = outcome.run, config.stash[SAVING]
    raised: list[str] = []
    notes = [f"{launch.job.name}: {note}" for launch in run.finished for note in _tests(launch).notes]
    saved, problems = saved_files(run, config, results, saving.name, raised)
    replayed = replayed_cases(run, outcome.settings)
    unmeasured = unmeasured_note(replayed.values())
    outcome = replace(outcome, replayed=replayed, saved=saved, notes=(*notes, *problems, *unmeasured))
    outcome = replace(outcome, regressions=compare(outcome, config, results, saving.compare, raised))
    return replace(outcome, notes=(*outcome.notes, *raised), raised=bool(raised))


def replayed_cases(run: RunOutcome, settings: Settings) -> dict[str, Replayed]:
    """What each case of a run brought, by its node id in this session."""
    from pytest_benchmark_aws.run.ledger import STOPPED

    cases = {}
    for launch in run.finished:
        tests = _tests(launch)
        root = next((line["rootdir"] for line in launch.outcome.lines if line["kind"] == "session"), "")
        for case in launch.job.cases:
            test = tests.by_id[case.bare_id]
            cases[case.node_id] = Replayed(
                case=case,
                reports=tuple(test.reports),
                benchmarks=tuple(test.benchmarks),
                stopped=launch.outcome.outcome == STOPPED,
                remote_root=root,
                warnings=tuple(test.warnings),
                missing="" if test.reports else why_missing(run, settings, launch, case, test),
                extra_info=extra_info(run, launch),
            )
    return cases


def saved_files(
    run: RunOutcome, config: pytest.Config, results: Path, name: str | None, raised: list[str]
) -> tuple[dict[str, Path], list[str]]:
    """Stores each launch that measured something under its instance type in ``results``; its id -> its file.

    Where that fails a result stays in the run's folder: sentences say where, and what to do. ``raised`` gets a sentence
    for each of the project's hooks that raises.
    """
    commit, why = file_hooks.commit_info_or_why_none(config)
    if why is not None:
        raised.append(f"stored without a commit: {why}")
    paths, problems = {}, []
    for launch in run.finished:
        data: Mapping[str, Any] = result_json(run, launch, commit)
        if data["benchmarks"]:
            folder = folder_name(launch.job.target.place, embedded=run.embedded)
            try:
                path = storage.find(results, folder, launch.instance_id or "")
                if path is None:
                    data, why = file_hooks.as_the_project_has_it(config, data)
                    if why is not None:
                        raised.append(f"{launch.job.name} is stored without what a hook makes of it: {why}")
                    path = storage.save(results, folder, safe_name(name or run.run_id), data)
                paths[launch.instance_id or launch.job.name] = path
            except OSError as error:
                problems.append(_set_aside(run, launch, results / folder, data, error))
    return paths, problems


def _set_aside(run: RunOutcome, launch: Finished, folder: Path, data: Mapping[str, Any], error: OSError) -> str:
    """Keeps a result in the run's folder that the storage did not take, and says how it gets there."""
    name = launch.job.name
    path = run.folder / f"{safe_name(name)}.json"
    try:
        path.write_text(storage.as_text(data), encoding="utf-8")
    except OSError as second:
        fetch = f"pytest --aws-resume {run.run_id}" if not run.embedded else "pytest --aws again"
        return (
            f"the result of {name} could be stored neither in {folder} ({error.strerror or error}) nor in {path} "
            f"({second.strerror or second}): make room or the folder writable, then fetch it with: {fetch}"
        )
    return (
        f"the result of {name} could not be stored in {folder} ({error.strerror or error}): it is in {path}; once the "
        f"folder can be written, store it with: mkdir -p {shlex.quote(str(folder))} && "
        f"cp {shlex.quote(str(path))} {shlex.quote(f'{folder}/0001_{safe_name(run.run_id)}.json')}"
    )


def result_json(run: RunOutcome, launch: Finished, commit: dict[str, Any] | None = None) -> dict[str, Any]:
    """A launch as pytest-benchmark's JSON, with node ids as they are on every machine."""
    from pytest_benchmark import __version__

    benchmarks = [bench for test in _tests(launch).by_id.values() for bench in test.benchmarks]
    facts = extra_info(run, launch)
    return {
        "machine_info": machine_info(run, launch),
        "commit_info": commit or {},
        "benchmarks": [{**bench, "extra_info": {**(bench.get("extra_info") or {}), **facts}} for bench in benchmarks],
        "datetime": datetime.now(timezone.utc).isoformat(),
        "version": __version__,
    }


def compare(
    outcome: SessionOutcome, config: pytest.Config, results: Path, wanted: str | bool | None, raised: list[str]
) -> Regressions:
    """``--benchmark-compare``: each instance type with its own saved files, never with another's.

    Gives pytest-benchmark's session what it compares with, and its checks the launches that they are judged by.
    ``raised`` gets a sentence for each file that one of the project's hooks refuses, or made another thing of.
    """
    if not wanted:
        return outcome.regressions
    import json

    run, session = outcome.run, _benchmarks(config)
    mapping = dict(session.compared_mapping or {})
    now: dict[tuple[str, str, str, int], list[Any]] = {}
    before: dict[tuple[str, str, str, int], list[Any]] = {}
    groups: dict[str, tuple[str, str, str, int]] = {}
    for launch in run.finished:
        folder = folder_name(launch.job.target.place, embedded=run.embedded)
        ours = outcome.saved.get(launch.instance_id or launch.job.name)
        files = [path for path in storage.latest(results, folder, wanted) if path != ours]
        if wanted is True:  # the one before ours
            files = [path for path in storage.latest(results, folder, "") if path != ours][-1:]
        for path in files:
            try:
                data = json.loads(path.read_text(encoding="utf-8"))
                benchmarks = {bench["fullname"]: bench for bench in data["benchmarks"] if bench["stats"]}
            except (KeyError, TypeError, ValueError) as error:
                raised.append(f"{path.name} is not compared with: it is no file of benchmarks ({error!r})")
                continue
            if why := file_hooks.why_not_compared(config, machine_info(run, launch), data):
                raised.append(f"{path.name} is not compared with {launch.job.name}: {why}")
                continue
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
    if outcome is not None and outcome.interrupted and item.nodeid in item.config.stash.get(UNLAUNCHED, frozenset()):
        if nextitem is None:
            raise KeyboardInterrupt
        return True
    if outcome is None or replayed is None:
        return None
    if replayed.reports or not (outcome.interrupted or replayed.stopped):
        replay(item, nextitem, replayed)
    if outcome.interrupted and nextitem is None:
        raise KeyboardInterrupt
    return True


def with_instance_type(config: pytest.Config, report: Any, status: Any) -> Any:
    """A test's status, with the instance type that a step of a search ran it on."""
    if not status or not status[2] or not config.stash.get(SEARCHED, {}):
        return status
    name = config.stash[SEARCHED].get(report.nodeid)
    category, letter, word = status
    if name is None:
        return status
    return category, letter, (f"{word[0]} on {name}", word[1]) if isinstance(word, tuple) else f"{word} on {name}"


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


def _tests(launch: Finished) -> GuestTests:
    """What became of each case of a launch on its instance."""
    return cases_of(launch.outcome.lines, [case.bare_id for case in launch.job.cases])


def _group(case: Case) -> tuple[str, str, str, int]:
    """What launches of one test on one instance type have in common."""
    return case.bare_id, case.target.instance_type, case.target.market, case.target.count


def _benchmarks(config: pytest.Config) -> Any:
    """pytest-benchmark's session."""
    return config._benchmarksession  # type: ignore[attr-defined]


def results_folder(config: pytest.Config) -> Path:
    """pytest-benchmark's storage, where that is a folder."""
    path = getattr(_benchmarks(config).storage, "path", None)
    return Path(path) if path is not None else config.rootpath / ".benchmarks"

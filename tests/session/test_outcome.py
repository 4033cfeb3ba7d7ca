"""What is stored of a run, and what is said of what is not."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_benchmark_aws.backends.protocol import Outcome
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.guest_result import parse
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.run import start
from pytest_benchmark_aws.run.ledger import STOPPED, Finished
from pytest_benchmark_aws.run.start import RunOutcome
from pytest_benchmark_aws.session import outcome
from pytest_benchmark_aws.session.replay.missing import why_missing
from tests.faults.guests import job_of, line_of, result


def finished(data: bytes, text: str = "passed", log: str = "") -> Finished:
    """A launch of two tests that delivered this result."""
    lines = parse(data).lines if data else ()
    return Finished(
        job_of(["test_one", "test_two"]), Outcome(text, lines, {}, log, whole=True), "i-1", "a", 9.0, Decimal("0.01"), 1
    )


def run_of(folder: Path, launch: Finished) -> RunOutcome:
    """A run of one launch."""
    return RunOutcome("run", folder, "us-east-1", False, (launch,), None)  # type: ignore[arg-type]


class Config:
    """What of pytest's is asked for: the commit, and whether the project has hooks on files."""

    hook = SimpleNamespace(
        pytest_benchmark_generate_json=SimpleNamespace(get_hookimpls=list),
        pytest_benchmark_update_json=SimpleNamespace(get_hookimpls=list),
        pytest_benchmark_generate_commit_info=lambda config: {"id": "abc"},
        pytest_benchmark_update_commit_info=lambda config, commit_info: None,
    )


def saved(tmp_path: Path, run: RunOutcome) -> tuple[dict[str, Path], list[str]]:
    """What becomes of a run's results in a storage."""
    config: Any = Config()
    return outcome.saved_files(run, config, tmp_path / "it's mine", None, [])


def test_k13_a_result_that_cannot_be_stored_stays_and_the_printed_command_stores_it(tmp_path: Path) -> None:
    """A file is in the folder's way: the result is in the run's folder, and the command puts it where it belongs."""
    place = tmp_path / "it's mine" / "m5.large"
    place.parent.mkdir()
    place.write_text("in the way")
    files, (problem,) = saved(tmp_path, run_of(tmp_path, finished(result(line_of("test_one")))))
    assert (files, (tmp_path / "m5.large.json").exists()) == ({}, True)
    place.unlink()
    subprocess.run(["sh", "-c", problem.partition("store it with: ")[2]], check=True)
    (bench,) = json.loads(next(place.glob("*.json")).read_text())["benchmarks"]
    assert bench["name"] == "test_one"


def test_k13_a_result_that_can_be_kept_nowhere_is_fetched_again(tmp_path: Path) -> None:
    """Neither the storage nor the run's folder takes it: the message names both, and the command."""
    (tmp_path / "it's mine").write_text("in the way")
    files, (problem,) = saved(tmp_path, run_of(tmp_path / "gone", finished(result(line_of("test_one")))))
    assert files == {}
    assert problem.endswith("then fetch it with: pytest --aws-resume run")


def test_k13_a_log_that_cannot_be_kept_ends_no_run(tmp_path: Path) -> None:
    """It is said, with the reason."""
    problem = start._keep_log(tmp_path / "gone", finished(b"", log="its log"))
    assert problem is not None
    assert "the log of m5.large is not kept in" in problem


def test_k13_a_storage_is_tried_before_the_first_launch(tmp_path: Path) -> None:
    """By what storing does; nothing of the trial stays."""
    storage.check(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(PlanError, match="nothing was launched: make the folder writable, or name another with"):
        storage.check(tmp_path / "file")


def test_a7_a_benchmark_of_no_case_is_left_out(tmp_path: Path) -> None:
    """Neither a test that the job has not, nor another's benchmark in a case's line, is stored; both are said."""
    two = line_of("test_two")
    two["benchmarks"] += line_of("test_other")["benchmarks"]
    launch = finished(result(line_of("test_one"), two, line_of("test_stranger")))
    stored = outcome.result_json(run_of(tmp_path, launch), launch)["benchmarks"]
    assert [bench["name"] for bench in stored] == ["test_one", "test_two"]
    notes = outcome._tests(launch).notes
    assert [note.split(": ", 1)[1].split(",")[0] for note in notes] == [
        "a benchmark test_it.py::test_other of test_it.py::test_two",
        "test_it.py::test_stranger",
    ]


def test_a7_strangers_are_said_a_few_times(tmp_path: Path) -> None:
    """Of a thousand, five and their number."""
    notes = outcome._tests(finished(result(*[line_of(f"test_{number}") for number in range(1_000)]))).notes
    assert (len(notes), notes[-1]) == (6, "and 995 more of this kind")


def reason(launch: Finished, number: int = 0) -> str:
    """Why a case of the launch has no result."""
    case = launch.job.cases[number]
    settings: Any = SimpleNamespace(time_limit_s=60)
    test = outcome._tests(launch).by_id[case.bare_id]
    return why_missing(run_of(Path("/logs"), launch), settings, launch, case, test)


def test_a5_a_refused_line_is_no_test_that_never_began() -> None:
    """Of the case whose line is refused it is said that it ran, and why it is refused."""
    odd = line_of("test_one", [-1.0])
    odd["benchmarks"][0]["stats"]["median"] = 1.0
    text = reason(finished(result(odd)))
    assert "it ran there, but what it brought cannot be taken: line 1: a benchmark: stats.data holds" in text
    assert "began" not in text


def test_a5_a_refused_result_is_said_to_be_refused() -> None:
    """Whether its tests ran nobody knows; that they never began is not said."""
    text = reason(finished(b"", "error: the result is refused: it is no JSON; kept as /x"))
    assert "whether it ran there is not known, as the result is refused: it is no JSON; kept as /x" in text
    assert "began" not in text


def test_a4_a_line_that_was_not_sent_has_its_own_reason() -> None:
    """Of a case whose line the guest left out it is said that it ran, and why its line is left out."""
    line = {
        "kind": "left-out",
        "of": "test",
        "nodeid": "test_it.py::test_one",
        "text": "its line of 9 bytes is left out",
    }
    text = reason(finished(result(line)))
    assert "it ran there, but what it brought cannot be taken: its line of 9 bytes is left out" in text


@pytest.mark.parametrize("kinds", [[], ["start"]])
def test_a4_no_test_never_began_or_ended_where_pytest_came_to_its_end(kinds: list[str]) -> None:
    """What the result lacks is said, not what became of the test; and not that it passed as a reason."""
    text = reason(finished(result(*({"kind": kind, "nodeid": "test_it.py::test_one"} for kind in kinds))))
    assert "began and never ended" not in text
    assert "never began" not in text
    assert "the result says " in text
    assert ", though pytest came to its end there (passed)" in text


def test_a8_m2_a_launchs_outcome_and_errors_are_bounded() -> None:
    """60 MB of each: the first case shows the beginning and the end, the others a line and where the rest is."""
    error = {"kind": "collect-error", "nodeid": "test_it.py", "text": "x" * 60_000_000 + "\nImportError: no"}
    whole = parse(result(error, outcome="error: " + "y" * 60_000_000))
    launch = replace(finished(b""), outcome=Outcome(whole.outcome, whole.lines, whole.facts, "", whole=True))
    first, second = reason(launch), reason(launch, 1)
    assert len(first) < 30_000
    assert len(second) < 10_000
    assert "ImportError: no" in second
    assert second.endswith("see the failure of test_it.py::test_one[m5.large]")


@pytest.mark.parametrize(("text", "stopped"), [(STOPPED, True), ("error: the disk is full", False)])
def test_a_case_that_was_stopped_for_anothers_failure_is_none_that_failed(
    tmp_path: Path, text: str, stopped: bool
) -> None:
    """With -x the launch of another type is ended; what it has not run is not reported, as what pytest leaves out."""
    settings: Any = SimpleNamespace(time_limit_s=1)
    run = run_of(tmp_path, finished(b"", text))
    cases = outcome.replayed_cases(run, settings)
    whole = replace(outcome.SessionOutcome(run, settings, interrupted=False), replayed=cases)
    node_id = next(iter(cases))
    item: Any = SimpleNamespace(nodeid=node_id, config=SimpleNamespace(stash={outcome.OUTCOME: whole}))
    if stopped:
        assert outcome.replay_item(item, None)
        return
    with pytest.raises(AttributeError, match="ihook"):  # it is reported, which needs more of an item
        outcome.replay_item(item, None)

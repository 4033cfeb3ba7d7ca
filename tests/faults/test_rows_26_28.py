"""Rows 26 to 28 of the fault table: a test that fails after it measured, a killed pytest, spot."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.guest_tests import cases_of
from pytest_benchmark_aws.run.start import RunOutcome
from pytest_benchmark_aws.run.timeouts import SPOT_ATTEMPTS
from pytest_benchmark_aws.session.extra_info import extra_info
from tests.faults.guests import line_of, loopback
from tests.faults.world import HANGS, RUN, STAYS, World, make_backend, make_jobs
from tests.guest.test_launch import finished, outcome_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

MEASURED = "def test_quick(benchmark): benchmark.pedantic(int, rounds=3)\n"


def lines_of(done: Any, kind: str = "test") -> list[str]:
    """The node ids of an outcome's lines."""
    return [line["nodeid"] for line in done.outcome.lines if line["kind"] == kind]


def measured(line: dict[str, Any]) -> list[dict[str, Any]]:
    """The benchmarks that count of a test's line."""
    return cases_of([line], [line["nodeid"]]).by_id[line["nodeid"]].benchmarks


def test_fault_26_what_fails_after_it_measured_is_failed_and_not_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that measured and then failed is in the results as failed, and its timing is in none."""
    with loopback(tmp_path / "launch") as launch:
        launch.tests(f"{MEASURED}def test_fails(benchmark):\n    benchmark.pedantic(int, rounds=2)\n    assert 0\n")
        found = outcome_of(launch, monkeypatch)
    assert found["outcome"] == "failed"
    quick, fails = (line for line in found["lines"] if line["kind"] == "test")
    assert [report["outcome"] for report in fails["reports"]] == ["passed", "failed", "passed"]
    assert (measured(fails), fails["benchmarks"] != []) == ([], True)
    assert [bench["name"] for bench in measured(quick)] == ["test_quick"]


def test_fault_27_a_killed_pytest_is_partial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pytest is killed, the tests that were finished are there from the checkpoint, and the launch failed."""
    with loopback(tmp_path / "launch") as launch:
        launch.tests(f"import os\n{MEASURED}def test_killed(): os.kill(os.getpid(), 9)\n")
        found = outcome_of(launch, monkeypatch)
    assert found["outcome"] == "error: pytest was killed by SIGKILL"
    assert finished(found) == ["test_it.py::test_quick"]
    assert found["lines"][-1] == {"kind": "start", "nodeid": "test_it.py::test_killed"}


def test_fault_28_a_notice_ends_the_tests_and_what_is_finished_is_delivered(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guest that the metadata service tells of its end interrupts pytest and delivers what it has."""
    (job,) = make_jobs(market="spot")
    world.folder.mkdir()
    backend = make_backend(world.clients(), world.folder, script=HANGS)
    handle = backend.launch(job, backend.placements(job, 1)[0])
    (instance,) = world.aws.control("instances")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance["metadata_service"])
    begun = tmp_path / "begun"
    with loopback(tmp_path / "launch") as launch:
        hang = f"    pathlib.Path({str(begun)!r}).touch()\n    threading.Event().wait()\n"
        launch.tests(f"import pathlib, threading\n{MEASURED}def test_hangs():\n{hang}")
        launch.job |= {"market": "spot", "beat_s": 0.05}

        def notice() -> None:
            wait_until(begun.exists)
            world.aws.control(f"instances/{handle.instance_id}/spot-notice", {})

        thread = threading.Thread(target=notice)
        thread.start()
        found = outcome_of(launch, monkeypatch)
        thread.join()
    assert found["outcome"].startswith("spot: AWS takes the instance back at 20")
    assert finished(found)[0] == "test_it.py::test_quick"


def test_fault_28_what_was_taken_back_is_launched_again_within_the_attempts(world: World) -> None:
    """A job whose instances are taken back again and again is tried as often as is said, and then told."""
    script = "deliver('passed' if '/3/data' in job['put']['data']['url'] else 'spot: taken', [])"
    (done,) = world.run(make_jobs(market="spot"), script=script)
    assert (done.outcome.outcome, done.attempts) == ("passed", SPOT_ATTEMPTS)
    assert any("spot: taken; attempt 2 of 3" in said for said in world.watched)
    (lost,) = world.run(make_jobs(name="m5.xlarge", market="spot"), script="deliver('spot: taken', [])")
    assert (lost.outcome.outcome, lost.attempts) == ("spot: taken", SPOT_ATTEMPTS)
    assert world.alive() == []


def test_fault_28_earlier_attempts_count_without_the_journal(world: World) -> None:
    """On another machine, what AWS took back before counts against the cap by the price and deadline in its tags."""
    script = "deliver('spot: taken', [])"
    world.run(make_jobs(market="spot"), script=script)
    assert len(world.instances()) == SPOT_ATTEMPTS
    elsewhere = World(world.aws, world.folder.parent / "elsewhere")
    past = elsewhere.past_by_tags()
    (done,) = elsewhere.run(make_jobs(market="spot"), script=script, past=past)
    (gone,) = elsewhere.lines("gone")
    minute = usd(done.job.price.usd_per_hour, 60.0)
    assert SPOT_ATTEMPTS * minute <= Decimal(gone["usd"])
    assert len(world.instances()) == SPOT_ATTEMPTS


@pytest.mark.parametrize("journal", [True, False])
def test_fault_28_on_demand_in_place_of_spot_is_told_after_a_kill(world: World, journal: bool) -> None:
    """A launch that fell back to on demand says so when a resume takes it over, by its journal or by its tags."""
    world.aws.control("quota", {"spot_vcpus": 1})
    world.killed_client(market="spot", spot_fallback=True, die_after="launched", script=STAYS)
    past = () if journal else world.past_by_tags()
    (done,) = world.run(make_jobs(market="spot"), resume=journal, past=past)
    assert (done.job.fallback, done.job.market, done.outcome.outcome) == (True, "on-demand", "passed")
    backend: Any = None
    facts = extra_info(RunOutcome(RUN, world.folder, "us-east-1", True, (done,), backend), done)
    assert (facts["market"], facts["fallback"]) == ("on-demand", "on demand, as spot was not to be had")
    assert facts["flags"] == ["on demand, spot was not to be had"]
    assert len(world.instances()) == 1


def test_fault_28_a_kill_without_notice_is_never_mixed_in(world: World) -> None:
    """What a spot instance had uploaded before AWS took it is not in the results of the attempt that follows."""
    line = json.dumps(line_of("test_one"))
    script = f"""
if "/1/data" in job["put"]["data"]["url"]:
    put("checkpoint", {line!r}.encode() + b"\\n")
    put("heartbeat", b'{{"phase": "run"}}')
    signal.pause()
deliver("passed", [json.loads({json.dumps(line_of("test_two"))!r})])
"""

    def kill(_: object) -> None:
        first = world.instances()[:1]
        if first and first[0]["state"] == "running" and "run: " in world.watched:
            world.aws.control(f"instances/{first[0]['id']}/spot-kill", {})

    world.clock.on_sleep = kill
    (done,) = world.run(make_jobs(market="spot"), script=script)
    assert (done.outcome.outcome, done.attempts) == ("passed", 2)
    assert lines_of(done) == ["test_it.py::test_two"]
    assert len(world.instances()) == 2

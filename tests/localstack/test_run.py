"""A run up to ``running`` on LocalStack's EC2, which has no guests: launched, seen, interrupted, ended."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws import ec2
from pytest_benchmark_aws.backends.ec2 import launch_checks
from pytest_benchmark_aws.backends.ec2.launch_checks import Options
from pytest_benchmark_aws.run.journal import Journal, read
from pytest_benchmark_aws.run.ledger import RealClock
from tests.faults.world import RUN, make_backend, make_jobs
from tests.localstack.test_s3 import clients
from tests.run.fake_backend import make_runner

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def test_a_run_is_launched_and_ended(endpoint: str, tmp_path: Path) -> None:
    """Preflight, bucket, group, dry run, two launches, one look, the interrupt and the end, each by its own calls."""
    account, jobs = clients(endpoint), make_jobs(2)
    place, problems = launch_checks.look(account, Options(), jobs)
    assert problems == []
    assert place.roots
    backend = make_backend(account, tmp_path)
    assert backend.refusal(jobs[0]) is None
    phases: set[str] = set()

    def watch(progress: Sequence[Any]) -> None:
        phases.update(one.phase for one in progress)

    with closing(Journal.open(tmp_path)) as journal:
        journal.write("run", run=RUN, jobs=[job.name for job in jobs])
        runner = make_runner(backend, journal, RealClock(), poll_s=0.2, watch=watch, stop=lambda: "running" in phases)
        done = runner.run(jobs)
    assert [launch.outcome.outcome for launch in done] == ["error: interrupted"] * 2
    assert {instance.state for instance in ec2.instances_of_run(account, RUN)} <= {"shutting-down", "terminated"}
    assert read(tmp_path / "journal.jsonl")[-1]["kind"] == "gone"

"""``python -m benchmarks.stress.kill 50``: so many runs of ``pytest --aws``, each killed at a moment that chance picks.

An embedded AWS of its own outlives the clients. After each kill the run is resumed, or where it had no journal yet,
reaped. Prints a line a run and the counts: none may be alive, no finished result lost or stored twice.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.control_client import control
from pytest_benchmark_aws.run.journal import read
from pytest_benchmark_aws.run.preflight import READY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SEED = 20261124
TEST = """\
import time
import pytest

pytestmark = pytest.mark.instance_type("m5.large", "c5.large")

def test_first(benchmark):
    benchmark.pedantic(time.sleep, args=(0.2,), rounds=3)

def test_second(benchmark):
    benchmark.pedantic(int, rounds=3)
"""
JOBS = 2
GONE_S = 60
"""Seconds after which what reap ended must be terminated."""


@dataclass
class Report:
    """What came of one run."""

    phase: str
    """The last word of its journal when it was killed; ``before the journal`` where there was none."""
    act: str
    """``resumed``, ``reaped``, or ``ended`` where it was over before the kill."""
    alive: int
    delivered: int
    duplicates: int
    lost: int
    problem: str = ""


@dataclass
class World:
    """A project, its cache and the AWS that it is run on."""

    root: Path
    aws: Mapping[str, str]
    seen: set[str] = field(default_factory=set)
    """Instances of the runs before."""

    @property
    def environment(self) -> dict[str, str]:
        """Of each client."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTEST_"))}
        cache = os.environ.get("PYTEST_BENCHMARK_AWS_CACHE", str(Path.home() / ".cache" / "pytest-benchmark-aws"))
        own = self.root / "cache"
        shared = Path(cache) / "wheels"
        own.mkdir(exist_ok=True)
        if shared.is_dir() and not (own / "wheels").exists():
            (own / "wheels").symlink_to(shared)  # what was fetched once need not be fetched again
        return {**inherited, **self.aws, "PYTEST_BENCHMARK_AWS_CACHE": str(own), "NO_COLOR": "1"}

    def start(self, *more: str) -> subprocess.Popen[str]:
        """A client."""
        command = [sys.executable, "-m", "pytest", "--aws", "--aws-target=cloud", "-q", "-p", "no:cacheprovider"]
        command += ["--benchmark-autosave", "--aws-time-limit=120s", *more]
        return subprocess.Popen(
            command, cwd=self.project, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    @property
    def project(self) -> Path:
        """Where the tests are."""
        return self.root / "project"

    def journals(self) -> list[Path]:
        """Of all runs, oldest first."""
        return sorted((self.root / "cache" / "runs").glob("*/journal.jsonl"), key=lambda path: path.stat().st_ctime)

    def instances(self) -> list[dict[str, Any]]:
        """This run's, as the AWS itself knows them."""
        instances: list[dict[str, Any]] = control(self.aws, "instances")
        return [instance for instance in instances if instance["id"] not in self.seen]

    def alive(self) -> list[str]:
        """What is not terminated."""
        return [instance["id"] for instance in self.instances() if instance["state"] != "terminated"]

    def finished(self, run: str) -> set[str]:
        """Instances whose result is in the store, whole, by the tags and the objects' names."""
        from pytest_benchmark_aws.aws.clients import Clients
        from pytest_benchmark_aws.aws.s3_run_bucket import default_bucket

        clients = Clients(None, None, self.aws)
        bucket = default_bucket(clients, clients.account())
        bucket.ensure()
        names = bucket.listing(f"runs/{run}/")
        ids = set()
        for instance in self.instances():
            tags = {key.rpartition(":")[2]: value for key, value in instance["tags"].items()}
            if f"runs/{run}/{tags.get('job')}/{tags.get('attempt')}/done" in names:
                ids.add(instance["id"])
        return ids

    def stored(self) -> Counter[str]:
        """Files by instance id."""
        counts: Counter[str] = Counter()
        for path in (self.project / ".benchmarks").glob("*/*.json"):
            benchmarks = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
            counts.update({bench["extra_info"]["instance_id"] for bench in benchmarks})
        return counts

    def run(self, seconds: float) -> Report:
        """A run, killed after so many seconds, and what is done about it."""
        earlier = set(self.journals())
        client = self.start()
        try:
            client.communicate(timeout=seconds)
            act = "ended"
        except subprocess.TimeoutExpired:
            client.send_signal(signal.SIGKILL)
            client.communicate()
            act = "killed"
        new = [path for path in self.journals() if path not in earlier]
        run = new[-1].parent.name if new else ""
        lines = read(new[-1]) if new else []
        phase = str(lines[-1]["kind"]) if lines else "no journal yet"
        problem = "" if act == "ended" else self._recover(run if lines else "")
        if act == "killed":
            act = "resumed" if lines else "reaped"
        alive = self._alive_at_last()
        ids = {instance["id"] for instance in self.instances()}
        stored = Counter({key: count for key, count in self.stored().items() if key in ids})
        finished = self.finished(run) if run else set()
        self.seen |= ids
        return Report(
            phase,
            act,
            len(alive),
            len(stored),
            sum(count - 1 for count in stored.values()),
            len(finished - set(stored)) + (max(0, JOBS - len(stored)) if act in {"resumed", "ended"} else 0),
            problem,
        )

    def _recover(self, run: str) -> str:
        """Resumes or reaps; what went wrong."""
        if run:
            client = self.start(f"--aws-resume={run}")
            out, _ = client.communicate()
            return "" if client.returncode == 0 else out
        command = [str(Path(sys.executable).with_name("pytest-benchmark-aws")), "reap"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def _alive_at_last(self) -> list[str]:
        """What is alive once that which was told to end has had its time."""
        deadline = time.monotonic() + GONE_S
        while (alive := self.alive()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return alive


@contextmanager
def world() -> Iterator[World]:
    """A new one, in a temporary folder."""
    command = [sys.executable, "-m", "pytest_benchmark_aws.embedded", "--watch-stdin", "--state-delay", "0.3"]
    with (
        tempfile.TemporaryDirectory(prefix="kill-") as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        pairs = (line.strip().partition("=") for line in iter(server.stdout.readline, f"{READY}\n"))
        made = World(Path(folder), {key: value for key, _, value in pairs})
        made.project.mkdir()
        (made.project / "pytest.ini").write_text("[pytest]\n")
        (made.project / "test_it.py").write_text(TEST)
        yield made
        server.stdin.close()


def main(count: int) -> int:
    """Runs them; 0 where every promise was kept."""
    chance = random.Random(SEED)
    reports: list[Report] = []
    with world() as made:
        started = time.monotonic()
        first = made.start()
        out, _ = first.communicate()  # resolves and uploads what later runs find
        whole = time.monotonic() - started
        assert first.returncode == 0, out
        made.seen |= {instance["id"] for instance in made.instances()}
        started = time.monotonic()
        made.run(10 * whole)
        whole = time.monotonic() - started
        print(f"a run that is left alone takes {whole:.1f} s", flush=True)
        for number in range(1, count + 1):
            seconds = chance.uniform(0.3, whole)
            report = made.run(seconds)
            reports.append(report)
            print(
                f"{number:3} after {seconds:5.2f} s, journal: {report.phase}, {report.act}; {report.alive} alive, "
                f"{report.delivered} delivered, {report.duplicates} twice, {report.lost} lost",
                flush=True,
            )
            if report.problem:
                print(f"    ! {report.problem[-2000:]}", flush=True)
    acts, phases = Counter(report.act for report in reports), Counter(report.phase for report in reports)
    print(f"{len(reports)} runs; last journal line when killed: "
          + ", ".join(f"{phase} {number}" for phase, number in phases.most_common()))  # fmt: skip
    sums = {
        name: sum(getattr(report, name) for report in reports) for name in ("alive", "delivered", "duplicates", "lost")
    }
    print(", ".join(f"{name} {number}" for name, number in [*acts.items(), *sums.items()]))
    problems = sum(bool(report.problem) for report in reports)
    print(f"{problems} recoveries failed")
    return 1 if problems or sums["alive"] or sums["duplicates"] or sums["lost"] else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50))

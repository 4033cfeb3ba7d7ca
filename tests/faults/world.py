"""Runner, EC2 backend and journal as they are, on an embedded AWS, with guests that are a few lines of Python.

Faults come from outside: botocore's events, the embedded AWS's control API, signals, the disk.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.aws import ec2
from pytest_benchmark_aws.aws.clients import Clients
from pytest_benchmark_aws.aws.s3_run_bucket import default_bucket
from pytest_benchmark_aws.aws.vpc import security_groups
from pytest_benchmark_aws.backends.agent_archive import Archive, Shipment
from pytest_benchmark_aws.backends.ec2.backend import Ec2Backend
from pytest_benchmark_aws.backends.ec2.launch_checks import Place
from pytest_benchmark_aws.backends.protocol import Site
from pytest_benchmark_aws.bundle.wheels import PACKAGED_PYTHONS
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.model import Case, Job, Market, Price, Requirements, Target
from pytest_benchmark_aws.core.plan import make_plan
from pytest_benchmark_aws.machine.folders import cache_folder
from pytest_benchmark_aws.run import history, takeover
from pytest_benchmark_aws.run.journal import Journal, read
from tests.acceptance.awsproject import Done, make_project, pytest_aws
from tests.run.fake_backend import make_runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_benchmark_aws.backends.protocol import Placement
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.run.ledger import Finished, Past
    from pytest_benchmark_aws.run.runner import Runner

ROOT = Path(__file__).parents[2]
PROJECT = {
    "test_it.py": "import pytest\n@pytest.mark.instance_type('m5.large')\ndef test_it(benchmark): benchmark(int)\n",
    "pytest.ini": "[pytest]\n",
}
LIMIT_S = 3600
RUN = "20261124-120000-abc123"
GUEST = """\
import hashlib, json, pathlib, signal, sys, time, urllib.error, urllib.request, zipfile
with zipfile.ZipFile(sys.path[0]) as archive:
    job = json.loads(archive.read("job.json"))

def put(name, data):
    what = job["put"][name]
    try:
        urllib.request.urlopen(urllib.request.Request(what["url"], data, what.get("headers", {}), method="PUT"))
    except urllib.error.HTTPError as error:
        print(name, error)

def deliver(outcome="passed", lines=()):
    data = json.dumps({"schema": 1, "outcome": outcome, "phases": {}, "lines": list(lines)}).encode()
    done = {"schema": 1, "outcome": outcome, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    put("log", b"the guest's log")
    put("data", data)
    put("done", json.dumps(done).encode())
"""
DELIVERS = "deliver()"
"""Delivers, and powers off as the end of the user data says."""
STAYS = "deliver(); signal.pause()"
"""Delivers, and stays."""
HANGS = "put('heartbeat', b'{}'); signal.pause()"
"""Says that it lives, and no more."""


class StubbedGuests(Ec2Backend):
    """The backend, whose guests run a few lines in place of the agent; ``script`` may use ``put`` and ``deliver``."""

    script = DELIVERS

    def _agent(self, job: Job, placement: Placement) -> bytes:
        """The archive as it is, but for its program."""
        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(super()._agent(job, placement))) as given,
            zipfile.ZipFile(buffer, "w") as archive,
        ):
            archive.writestr("job.json", given.read("job.json"))
            archive.writestr("__main__.py", f"{GUEST}\n{self.script}\n")
        return buffer.getvalue()


@dataclass
class QuickClock:
    """Time of which each sleep passes in 30 ms at most, as a machine's that is suspended; keeps what was slept."""

    skipped: float = 0.0
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[QuickClock], object] = lambda _: None

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        real = min(seconds, 0.03)
        time.sleep(real)
        self.skipped += seconds - real
        self.on_sleep(self)


def make_jobs(count: int = 1, name: str = "m5.large", market: Market = "on-demand", machines: int = 1) -> list[Job]:
    """Jobs with a case each; ``machines`` of each launch."""
    cases = [
        Case(f"t.py::t[{launch}]", "t.py::t", Target(name, market, launch, count=machines), Requirements())
        for launch in range(1, count + 1)
    ]
    return list(make_plan(cases, snapshot.catalog(), lambda _: Price(Decimal("0.1"), "test"), LIMIT_S).jobs)


def make_backend(
    clients: Clients, folder: Path, *, script: str = DELIVERS, run: str = RUN, types: Sequence[str] = ("m5.large",)
) -> StubbedGuests:
    """What ``launching`` makes of an account, with nothing shipped."""
    bucket = default_bucket(clients, clients.account())
    bucket.ensure()
    subnets = tuple(ec2.subnets(clients, ()))
    zones = {name: frozenset(found) for name, found in ec2.offered_zones(clients, types).items()}
    group = security_groups.security_group(clients, subnets[0].vpc_id, make=True)
    images = {arch: ec2.image(clients, arch) for arch in ("x86_64", "arm64")}
    place = Place(subnets, zones, {subnets[0].vpc_id: group}, images)
    archive = Archive("0" * 64, 0, b"")
    shipment = Shipment(archive, archive, "3.11", (), (), ())
    backend = StubbedGuests(Site(run, folder, clients, bucket, 1.0), place, dict.fromkeys(images, shipment))
    backend.script = script
    return backend


@dataclass
class World:
    """An embedded AWS, and a machine's folder from which clients work on it."""

    aws: EmbeddedAWS
    folder: Path
    clock: QuickClock = field(default_factory=QuickClock)
    watched: list[str] = field(default_factory=list)
    """What the progress said, as ``phase: detail``."""

    @property
    def journal_path(self) -> Path:
        return self.folder / "runs" / RUN / "journal.jsonl"

    def clients(self) -> Clients:
        """Clients whose events are their own."""
        return Clients(None, None, self.aws.environment())

    def run(
        self,
        jobs: Sequence[Job],
        *,
        script: str = DELIVERS,
        clients: Clients | None = None,
        resume: bool = False,
        past: Sequence[Past] = (),
        **options: Any,
    ) -> list[Finished]:
        """A run to its end; ``resume`` goes on from the journal."""
        folder = self.journal_path.parent
        if resume:
            past = takeover.past_launches(read(self.journal_path), history.utc_now())
        types = sorted({job.instance_type.name for job in jobs})
        backend = make_backend(clients or self.clients(), folder, script=script, types=types)
        journal = Journal.open(folder)
        try:
            journal.write("resumed" if resume else "run", run=RUN, jobs=[job.name for job in jobs])
            return self.runner(backend, journal, **options).run(jobs, past)
        finally:
            journal.close()

    def past_by_tags(self) -> list[Past]:
        """What AWS shows of the run to a machine that has no journal of it."""
        return takeover.past_seen(make_backend(self.clients(), self.folder).launches())

    def runner(self, backend: Ec2Backend, journal: Journal, **options: Any) -> Runner:
        """A runner with much of everything."""

        def watch(progress: Sequence[Any]) -> None:
            self.watched += [f"{one.phase}: {one.detail}" for one in progress]

        return make_runner(backend, journal, self.clock, **{"poll_s": 0.05, "watch": watch, **options})

    def kinds(self) -> list[str]:
        """Of the journal's lines."""
        return [line["kind"] for line in read(self.journal_path)]

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """The journal's lines of a kind; none where it is not begun."""
        return [line for line in read(self.journal_path) if line["kind"] == kind] if self.journal_path.exists() else []

    def instances(self) -> list[dict[str, Any]]:
        """All that were ever launched, by AWS's own account."""
        return list(self.aws.control("instances"))

    def alive(self) -> list[str]:
        """Ids of those that are neither terminated nor on their way there, which nothing stops."""
        return [one["id"] for one in self.instances() if one["state"] not in {"shutting-down", "terminated"}]

    def calls(self, action: str) -> int:
        """How often AWS heard it."""
        return sum(call["action"] == action for call in self.aws.control("calls"))

    def fault(self, action: str, code: str, status: int = 400, times: int = 1, **more: Any) -> None:
        """Makes AWS answer with an error; ``after=True``: after it has done what was asked."""
        self.aws.control("faults", {"action": action, "code": code, "status": status, "times": times, **more})

    @contextmanager
    def client(self, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """A process of ``tests.faults.client`` that works on the run; its options are that module's."""
        told = {"environment": self.aws.environment(), "folder": str(self.folder), **options}
        with subprocess.Popen(
            [sys.executable, "-m", "tests.faults.client", json.dumps(told)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def pytest(self, *args: str) -> Done:
        """``pytest --aws`` of a small project, on this machine and this AWS."""
        if f"{sys.version_info.major}.{sys.version_info.minor}" not in PACKAGED_PYTHONS:
            pytest.skip("Amazon Linux 2023 has no package of this Python, so a launch needs another one here")
        wheels = cache_folder() / "wheels"  # those of any run
        wheels.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "wheels").symlink_to(wheels)
        project = make_project(self.folder / "project", PROJECT)
        told = {**self.aws.environment(), "PYTEST_BENCHMARK_AWS_CACHE": str(self.folder)}
        return pytest_aws(project, "--aws", "--aws-target=cloud", *args, **told)

    def killed_client(self, **options: Any) -> None:
        """Runs a client to where it kills itself."""
        with self.client(**options) as process:
            said = process.communicate(timeout=60)[0]
        assert process.returncode == -9, said


@contextmanager
def opened(folder: Path, **settings: Any) -> Iterator[World]:
    """A fresh embedded AWS with short delays; ``settings`` are its own."""
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings

    given: Mapping[str, Any] = {"state_delay": 0.03, "kill_grace": 0.2, **settings}
    with EmbeddedAWS(folder / "aws", Settings(**given)) as aws:
        yield World(aws, folder / "here")

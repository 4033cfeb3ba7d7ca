"""Runner, SageMaker's backend and journal as they are, on an embedded AWS, with containers of a few lines of Python.

As a program, ``python -m tests.faults.training OPTIONS``, a client that dies; OPTIONS is JSON with ``environment`` and
``folder`` of the world, and ``die_at``, a botocore event.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest_benchmark_aws
from pytest_benchmark_aws.aws.clients import Clients
from pytest_benchmark_aws.aws.s3_run_bucket import default_bucket
from pytest_benchmark_aws.backends import registry
from pytest_benchmark_aws.backends.agent_archive import Archive, Shipment, upload
from pytest_benchmark_aws.backends.protocol import Site
from pytest_benchmark_aws.backends.sagemaker.backend import SageMakerBackend
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.model import Case, Job, Market, Price, Requirements, Target
from pytest_benchmark_aws.core.plan import make_plan
from pytest_benchmark_aws.run import history, takeover
from pytest_benchmark_aws.run.journal import Journal, read
from pytest_benchmark_aws.run.ledger import RealClock
from tests.faults.guests import ARGS, HERE
from tests.faults.world import LIMIT_S, ROOT, RUN, QuickClock
from tests.guest.conftest import pack, pip_wheel
from tests.run.fake_backend import make_runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark_aws.backends.protocol import Placement
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.run.ledger import Clock, Finished, Past

TYPE = "ml.m5.large"
PRICE = Decimal("0.36")
"""USD an hour: a hundredth of a cent a second."""
_GUEST = """\
import hashlib, json, pathlib, signal, sys, time, zipfile
from guest.s3 import Signer, Uploader
with zipfile.ZipFile(sys.path[0]) as archive:
    job = json.loads(archive.read("job.json"))
uploader = Uploader(job["put"], Signer(job["role_region"]))

def put(name, data):
    uploader.put(name, data, attempts=1)

def deliver(outcome="passed", lines=()):
    data = json.dumps({"schema": 1, "outcome": outcome, "phases": {}, "lines": list(lines)}).encode()
    done = {"schema": 1, "outcome": outcome, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    put("log", b"the guest's log")
    put("data", data)
    put("done", json.dumps(done).encode())
"""
DELIVERS = "deliver()"
HANGS = "put('heartbeat', b'{}'); signal.pause()"
"""Says that it lives, and no more."""


class StubbedContainers(SageMakerBackend):
    """The backend, whose containers run a few lines in place of the agent; ``script`` may ``put`` and ``deliver``."""

    script = DELIVERS

    def _agent(self, job: Job, placement: Placement) -> bytes:
        """The archive as it is, but for its program."""
        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(super()._agent(job, placement))) as given,
            zipfile.ZipFile(buffer, "w") as archive,
        ):
            for name in given.namelist():
                archive.writestr(name, f"{_GUEST}\n{self.script}\n" if name == "__main__.py" else given.read(name))
        return buffer.getvalue()


def make_jobs(count: int = 1, market: Market = "on-demand", cases: Sequence[str] = ("t.py::t",)) -> list[Job]:
    """Jobs with these cases each."""
    planned = [
        Case(f"{node_id}[{launch}]", node_id, Target(TYPE, market, launch), Requirements())
        for launch in range(1, count + 1)
        for node_id in cases
    ]
    price, grace_of = Price(PRICE, "test"), registry.grace_s
    return list(make_plan(planned, snapshot.catalog(), lambda _: price, LIMIT_S, grace_of=grace_of).jobs)


def make_backend(
    clients: Clients, folder: Path, *, script: str | None = DELIVERS, source: str = "", run: str = RUN
) -> SageMakerBackend:
    """What a run makes of an account, checked and prepared; without a script its containers run the agent itself.

    The agent runs pytest, this environment's, on ``source``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bucket = default_bucket(clients, clients.account())
    bucket.ensure()
    archives: dict[str, Archive] = {}
    wheels = dict([pip_wheel()]) | {"requirements.lock": b""} if script is None else {}
    for name, files in (("project", {"test_it.py": source, "pytest.ini": "[pytest]\n"}), ("wheels", wheels)):
        data = pack(files)
        archives[name] = Archive(hashlib.sha256(data).hexdigest(), len(data), data)
    own = Path(pytest_benchmark_aws.__file__).parents[1]
    paths = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(own)])
    shipment = Shipment(**archives, python=HERE, packages=(), args=ARGS, sys_path=tuple(paths))
    upload(bucket, [shipment])
    kind = SageMakerBackend if script is None else StubbedContainers
    backend = kind(Site(run, folder, clients, bucket, 0.1))
    if script is not None:
        backend.script = script  # type: ignore[attr-defined]
    assert backend.check(make_jobs()) == []
    backend.prepare((), {"ml.x86_64": shipment})
    return backend


@dataclass
class TrainingWorld:
    """An embedded AWS, and a machine's folder from which clients run training jobs on it."""

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
        script: str | None = DELIVERS,
        source: str = "",
        clients: Clients | None = None,
        resume: bool = False,
        past: Sequence[Past] = (),
        clock: Clock | None = None,
        **options: Any,
    ) -> list[Finished]:
        """A run to its end; ``resume`` goes on from the journal."""
        folder = self.journal_path.parent
        if resume:
            past = takeover.past_launches(read(self.journal_path), history.utc_now())
        backend = make_backend(clients or self.clients(), folder, script=script, source=source)

        def watch(progress: Sequence[Any]) -> None:
            self.watched += [f"{job.phase}: {job.detail}" for job in progress]

        journal = Journal.open(folder)
        try:
            journal.write("resumed" if resume else "run", run=RUN, jobs=[job.name for job in jobs])
            runner = make_runner(backend, journal, clock or self.clock, **{"poll_s": 0.05, "watch": watch, **options})
            return runner.run(jobs, past)
        finally:
            journal.close()

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """The journal's lines of a kind."""
        return [line for line in read(self.journal_path) if line["kind"] == kind]

    def jobs(self) -> list[dict[str, Any]]:
        """All training jobs that were ever created, by AWS's own account."""
        return list(self.aws.control("training-jobs"))

    def alive(self) -> list[str]:
        """Names of those that are not over."""
        return [job["name"] for job in self.jobs() if job["status"] in {"InProgress", "Stopping"}]

    def fault(self, action: str, code: str, status: int = 400, times: int = 1, **more: Any) -> None:
        """Makes AWS answer with an error; ``after=True``: after it has done what was asked."""
        self.aws.control("faults", {"action": action, "code": code, "status": status, "times": times, **more})

    def calls(self, action: str) -> int:
        """How often AWS heard it."""
        return sum(call["action"] == action for call in self.aws.control("calls"))

    def killed_client(self, die_at: str) -> None:
        """Runs a client of one job to where it kills itself."""
        options = {"environment": self.aws.environment(), "folder": str(self.folder), "die_at": die_at}
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.training", json.dumps(options)],
            cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def main(options: dict[str, Any]) -> None:
    """Works on a run of one job, and dies at the event."""
    folder = Path(options["folder"]) / "runs" / RUN
    clients = Clients(None, None, options["environment"])
    clients.on(options["die_at"], lambda **_: os.kill(os.getpid(), signal.SIGKILL))
    backend, jobs = make_backend(clients, folder), make_jobs()
    journal = Journal.open(folder)
    journal.write("run", run=RUN, jobs=[job.name for job in jobs])
    make_runner(backend, journal, RealClock(), poll_s=0.1).run(jobs)


def with_limits(jobs: Sequence[Job], **limits: int) -> list[Job]:
    """The jobs with another time limit, or grace."""
    return [replace(job, **limits) for job in jobs]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

"""Real agents: in this process against a loopback S3, or as guests of an embedded AWS; and results that are crafted."""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
import sysconfig
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest_benchmark_aws
from pytest_benchmark_aws.backends.agent_archive import Archive, Shipment, upload
from pytest_benchmark_aws.backends.ec2.backend import Ec2Backend
from pytest_benchmark_aws.backends.protocol import Handle, Placement
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.model import Case, Job, Market, Price, Requirements, Target
from pytest_benchmark_aws.core.plan import make_plan
from tests.faults.world import LIMIT_S, make_backend
from tests.guest.conftest import Launch, Storage, pack, pip_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_benchmark_aws.backends.protocol import Outcome
    from tests.faults.world import World

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
ARGS = ("--rootdir=.", "--color=no", "-p", "no:cacheprovider", "-p", "pytest_benchmark_aws.guest.checkpoint")


@contextmanager
def loopback(root: Path) -> Iterator[Launch]:
    """A launch whose agent talks to a server of this process."""
    root.mkdir(exist_ok=True)
    with Storage() as storage:
        thread = threading.Thread(target=storage.serve_forever, args=(0.02,))
        thread.start()
        yield Launch(storage, root)
        storage.shutdown()
        thread.join()


def job_of(names: Sequence[str], market: Market = "on-demand", limit_s: int = LIMIT_S) -> Job:
    """A launch of the tests of ``test_it.py``."""
    target = Target("m5.large", market)
    ids = [f"test_it.py::{name}" for name in names]
    cases = [Case(f"{node_id}[{target}]", node_id, target, Requirements()) for node_id in ids]
    price = Price(snapshot.catalog().types["m5.large"].usd_per_hour or 0, "test")
    (job,) = make_plan(cases, snapshot.catalog(), lambda _: price, limit_s).jobs
    return job


def real_guests(world: World, source: str, lock: str = "") -> Ec2Backend:
    """The backend as it is: its guests run the agent, which installs ``lock`` and runs pytest on ``source``."""
    folder = world.journal_path.parent
    folder.mkdir(parents=True, exist_ok=True)
    made = make_backend(world.clients(), folder)
    archives: dict[str, Archive] = {}
    wheels = dict([pip_wheel()]) | {"requirements.lock": lock.encode()}
    for name, data in (("project", pack({"test_it.py": source, "pytest.ini": "[pytest]\n"})), ("wheels", pack(wheels))):
        archives[name] = Archive(hashlib.sha256(data).hexdigest(), len(data), data)
    # pytest is this environment's: the guest's .pth takes whole paths too.
    own = Path(pytest_benchmark_aws.__file__).parents[1]
    paths = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(own)])
    shipment = Shipment(**archives, python=HERE, packages=(f"python{HERE}",), args=ARGS, sys_path=tuple(paths))
    upload(made.site.bucket, [shipment])
    return Ec2Backend(replace(made.site, beat_s=0.1), made.place, {"x86_64": shipment})


class Crafted:
    """A launch whose objects in the bucket are what a test puts there; each is of a run of its own."""

    numbers = itertools.count()

    def __init__(self, world: World, limit: int | None = None) -> None:
        run = f"crafted-{next(self.numbers)}"
        folder = world.folder / run
        folder.mkdir(parents=True)
        self.clients = world.clients()
        self.backend = make_backend(self.clients, folder, run=run)
        if limit is not None:
            self.backend = replace(self.backend, result_limit=limit)
        self.job = job_of(["test_one", "test_two"])
        self.handle = Handle(self.job, "i-0", Placement("token", "us-east-1a", "subnet", 1))
        self.prefix = f"runs/{run}/{self.job.name}/1"
        self.put("log", b"the guest's log")

    def put(self, name: str, data: bytes) -> None:
        """Puts one object."""
        self.backend.site.bucket.put(f"{self.prefix}/{name}", data)

    def deliver(self, data: bytes, **done: Any) -> None:
        """Puts a result and its digest, of which ``done`` changes parts."""
        self.put("data", data)
        self.deliver_digest(data, **done)

    def deliver_digest(self, data: bytes, **done: Any) -> None:
        """Puts what tells of a result."""
        told = {"schema": 1, "outcome": "passed", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self.put("done", json.dumps({**told, **done}).encode())

    def collect(self) -> Outcome:
        """What the client makes of it."""
        return self.backend.collect(self.handle)

    def quarantined(self) -> list[Path]:
        """Files beside the log."""
        return sorted(self.backend.site.folder.glob("*.quarantined"))


def line_of(name: str, seconds: Sequence[float] = (0.5, 0.25), outcome: str = "passed") -> dict[str, Any]:
    """A test's line in a result, with what it measured."""
    node_id = f"test_it.py::{name}"
    reports = [
        {"$report_type": "TestReport", "nodeid": node_id, "outcome": outcome if when == "call" else "passed",
         "when": when, "location": ["test_it.py", 1, name], "keywords": {}, "longrepr": None, "sections": [],
         "user_properties": [], "duration": 0.1, "start": 0, "stop": 0}
        for when in ("setup", "call", "teardown")
    ]  # fmt: skip
    stats = {"data": list(seconds), "median": seconds[0], "iterations": 1}
    bench = {"name": name, "fullname": node_id, "group": None, "params": None, "extra_info": {}, "stats": stats}
    return {"kind": "test", "nodeid": node_id, "reports": reports, "benchmarks": [bench]}


def result(*lines: dict[str, Any], **more: Any) -> bytes:
    """A result in bytes."""
    return json.dumps({"schema": 1, "outcome": "passed", "phases": {"run": 1.5}, "lines": lines, **more}).encode()

"""``python -m benchmarks.overhead.launches 200``: so many launches by the real client, on embedded AWS, guests stubbed.

The guest of each launch is a script that ends at once; its result is uploaded in its stead. Some calls are throttled
on purpose. Prints one JSON object: launches, how each ended, seconds, this process's peak memory, API calls.
"""

from __future__ import annotations

import hashlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import ec2
from pytest_benchmark_aws.aws.clients import Clients
from pytest_benchmark_aws.aws.s3_run_bucket import default_bucket
from pytest_benchmark_aws.aws.vpc import security_groups
from pytest_benchmark_aws.backends.agent_archive import Archive, Shipment
from pytest_benchmark_aws.backends.ec2.backend import Ec2Backend
from pytest_benchmark_aws.backends.ec2.launch_checks import Place
from pytest_benchmark_aws.backends.protocol import Site
from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.model import Case, Price, Requirements, Target
from pytest_benchmark_aws.core.plan import make_plan
from pytest_benchmark_aws.embedded.control_client import control
from pytest_benchmark_aws.run.journal import Journal
from pytest_benchmark_aws.run.ledger import Limits, RealClock
from pytest_benchmark_aws.run.preflight import READY
from pytest_benchmark_aws.run.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark_aws.backends.protocol import Handle, Placement, Status
    from pytest_benchmark_aws.core.model import Job

THROTTLED = {"RunInstances": 10, "DescribeInstances": 5, "TerminateInstances": 5}


class StubbedGuests(Ec2Backend):
    """Uploads what a guest would, as soon as its instance runs."""

    def _agent(self, job: Job, placement: Placement) -> bytes:  # noqa: ARG002 -- the same for all
        """In the guest's stead: waits for its end."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("__main__.py", "import signal; signal.pause()")
        return buffer.getvalue()

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """The real look, after the stubbed guests have delivered."""
        data = json.dumps({"schema": 1, "outcome": "passed", "phases": {}, "lines": []}).encode()
        done = {"schema": 1, "outcome": "passed", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        statuses = super().poll(handles)
        for handle in handles:
            status = statuses[handle.instance_id]
            if status.state == "running" and not status.done:
                prefix = self._prefix(handle)
                self.site.bucket.put(f"{prefix}/data", data)
                self.site.bucket.put(f"{prefix}/done", json.dumps(done).encode())
        return statuses


def main(count: int) -> None:
    """Runs them and prints what came of it."""
    command = [sys.executable, "-m", "pytest_benchmark_aws.embedded", "--watch-stdin", "--vcpu-quota", "100000"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        environment = {}
        for line in server.stdout:
            if line.startswith(READY):
                break
            key, _, value = line.strip().partition("=")
            environment[key] = value
        print(json.dumps(run(count, environment)))
        server.stdin.close()


def run(count: int, environment: dict[str, str]) -> dict[str, object]:
    """The launches against a server."""
    clients = Clients(None, None, environment)
    account = clients.account()
    bucket = default_bucket(clients, account)
    bucket.ensure()
    archive = Archive("0" * 64, 0, b"")
    shipment = Shipment(archive, archive, "3.11", (), (), ())
    subnets = tuple(ec2.subnets(clients, ()))
    zones = {name: frozenset(offered) for name, offered in ec2.offered_zones(clients, ["m5.large"]).items()}
    group = security_groups.security_group(clients, subnets[0].vpc_id, make=True)
    place = Place(subnets, zones, {subnets[0].vpc_id: group}, {"x86_64": ec2.image(clients, "x86_64")})
    for action, times in THROTTLED.items():
        fault = {"action": action, "code": "RequestLimitExceeded", "status": 503, "times": times}
        control(environment, "faults", fault)
    cases = [
        Case(f"test.py::test[{n}]", "test.py::test", Target("m5.large", "on-demand", n + 1), Requirements())
        for n in range(count)
    ]
    plan = make_plan(cases, snapshot.catalog(), lambda _: Price(Decimal("0.096"), "stress"), 3600)
    with tempfile.TemporaryDirectory() as folder:
        site = Site("stress", Path(folder), clients, bucket, 1.0)
        backend = StubbedGuests(site, place, {"x86_64": shipment})
        journal = Journal.open(Path(folder) / "run")
        runner = Runner(Backends({"": backend}), journal, RealClock(), Limits(50, Decimal(10**6)), 0.5)
        started = perf_counter()
        finished = runner.run(plan.jobs)
        seconds = perf_counter() - started
        alive = len(backend.alive())
    calls = Counter(call["action"] for call in control(environment, "calls"))
    return {
        "launches": len(finished),
        "outcomes": dict(Counter(launch.outcome.outcome for launch in finished)),
        "seconds": round(seconds, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "threads": threading.active_count(),
        "alive": alive,
        "calls": dict(calls),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)

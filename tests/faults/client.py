"""``python -m tests.faults.client OPTIONS``: a client of an embedded AWS that dies, is told to stop, or has no disk.

OPTIONS is JSON: ``environment`` and ``folder`` of the world; ``script`` of the guests; ``jobs``, how many; ``market``,
theirs; ``machines`` of each; ``spot_fallback``; ``resume``; ``die_before`` or ``die_after``, a kind of journal line;
``die_at``, a botocore event, and ``die_key``, what its URL must hold; ``room``, bytes that a file may still grow beyond
the journal's size before the run.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.aws.clients import Clients
from pytest_benchmark_aws.core.errors import PytestBenchmarkAWSError
from pytest_benchmark_aws.run.history import utc_now
from pytest_benchmark_aws.run.journal import Journal
from pytest_benchmark_aws.run.ledger import RealClock
from pytest_benchmark_aws.run.takeover import past_launches
from pytest_benchmark_aws.session.remote import draining
from tests.faults.world import RUN, make_backend, make_jobs
from tests.run.fake_backend import make_runner


def die(*_: Any, **__: Any) -> None:
    """Ends this process as a lost battery does."""
    os.kill(os.getpid(), signal.SIGKILL)


class MortalJournal(Journal):
    """The journal of a client that dies before or after a kind of line."""

    before: str | None = None
    after: str | None = None

    def write(self, kind: str, **what: Any) -> None:
        """Writes, or dies."""
        if kind == self.before:
            die()
        super().write(kind, **what)
        if kind == self.after:
            die()


def main(options: dict[str, Any]) -> int:
    """Works on the run; prints each job's outcome."""
    folder = Path(options["folder"]) / "runs" / RUN
    clients = Clients(None, None, options["environment"])
    if "die_at" in options:
        key = options.get("die_key", "")

        def at(request: Any = None, **_: Any) -> None:
            if key in getattr(request, "url", ""):
                die()

        clients.on(options["die_at"], at)
    backend = make_backend(clients, folder, **({"script": options["script"]} if "script" in options else {}))
    past = past_launches(_lines(folder), utc_now()) if options.get("resume") else ()
    jobs = make_jobs(
        options.get("jobs", 1), market=options.get("market", "on-demand"), machines=options.get("machines", 1)
    )
    try:
        journal = MortalJournal.open(folder)
        journal.write("run", run=RUN, jobs=[job.name for job in jobs])
        MortalJournal.before, MortalJournal.after = options.get("die_before"), options.get("die_after")
        if "room" in options:
            most = journal.path.stat().st_size + options["room"]
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        with draining() as interrupted:
            runner = make_runner(
                backend, journal, RealClock(), poll_s=0.1, watch=lambda _: print("looked", flush=True),
                stop=interrupted, spot_fallback=options.get("spot_fallback", False),
            )  # fmt: skip
            for one in runner.run(jobs, past):
                print(f"{one.job.name}: {one.outcome.outcome}", flush=True)
    except PytestBenchmarkAWSError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        return 3
    return 0


def _lines(folder: Path) -> list[dict[str, Any]]:
    from pytest_benchmark_aws.run.journal import read

    return read(folder / "journal.jsonl")


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))

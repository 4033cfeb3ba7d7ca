"""The processes of a group's Dask cluster: ``python -m ...dask_process scheduler|worker FILE``.

They run in the environment of the tests, whose ``distributed`` they use; FILE is what ``cluster`` wrote for each.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from .cluster import AGAIN

_EVERY_S = 0.1
_SENT_AWAY = ("scheduler-remove-worker", "scheduler-close-worker", "worker-heartbeat-missing")
"""Reasons of a worker's end while its scheduler goes on: it sends the worker away (distributed, scheduler.py), or
answers a heartbeat after that, or after a time without any, that it has no such worker (worker.py, heartbeat)."""
_CLOSES = ("closing", "closed", "failed")
"""States of a worker that ends for another reason already, as its scheduler's own end."""


def security(settings: dict[str, Any]) -> Any:
    """The cluster's keys as distributed takes them: both ends of each connection show the run's certificate."""
    from distributed.security import Security

    ends = ("scheduler", "worker", "client")
    own = {f"tls_{end}_{part}": settings["tls"][part] for end in ends for part in ("cert", "key")}
    return Security(require_encryption=True, tls_ca_file=settings["tls"]["ca"], **own)


def at_work(dask_worker: Any) -> int:
    """Tasks in the threads of a worker; of one that is cancelled the thread goes on."""
    return len(dask_worker.state.executing) + len(dask_worker.state.long_running)


async def schedule(settings: dict[str, Any]) -> None:
    """Runs the scheduler until SIGTERM, which closes the workers too; keeps in a file who is there, and ever was."""
    from distributed import Scheduler

    async with Scheduler(
        host=settings["host"],
        port=0,
        protocol="tls",
        security=security(settings),
        dashboard=False,
        dashboard_address="127.0.0.1:0",  # it serves more than the dashboard
    ) as scheduler:
        closing = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, closing.set)
        closed = asyncio.ensure_future(scheduler.finished())  # a client may close it, too
        closed.add_done_callback(lambda _: closing.set())
        joined, ever_joined = list[str](), set[str]()
        _write(Path(settings["state"]), {"address": scheduler.address, "joined": joined})
        while not closing.is_set():
            names = sorted(str(worker.name) for worker in scheduler.workers.values())
            if names != joined:
                joined = names
                ever_joined.update(names)
                machines = ", ".join(str(int(name) + 1) for name in names) or "none"
                print(f"the cluster's workers: machines {machines}", flush=True)
                state = {"address": scheduler.address, "joined": joined, "ever_joined": sorted(ever_joined)}
                _write(Path(settings["state"]), state)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(closing.wait(), _EVERY_S)
        await scheduler.close(reason="the tests are over")


async def work(settings: dict[str, Any]) -> None:
    """Runs a worker until the scheduler closes, or is gone; one that it sends away ends at once, to begin anew."""
    from distributed import Worker

    class Restarted(Worker):  # type: ignore[misc]  # distributed has no types
        """A worker whose tasks' threads nobody waits for where ``Client.restart`` forgets them."""

        async def close(self, *args: Any, reason: str = "worker-close", **kwargs: Any) -> Any:
            if reason in _SENT_AWAY and self.status.name not in _CLOSES:
                sys.stdout.flush()
                os._exit(AGAIN)
            return await super().close(*args, reason=reason, **kwargs)

    async with Restarted(
        settings["address"],
        host=settings["host"],
        name=settings["name"],
        nthreads=settings["threads"],
        memory_limit=0,  # a machine of its own: nothing is spilled or paused, as in a test on one machine
        security=security(settings),
        protocol="tls",
        dashboard_address="127.0.0.1:0",
        local_directory=settings["folder"],
        death_timeout=settings["patience_s"],
    ) as worker:
        closing = asyncio.ensure_future(worker.finished())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, closing.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await closing


def _write(path: Path, state: dict[str, Any]) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(state), encoding="utf-8")
    new.replace(path)


def main() -> None:
    """Runs what the command line names; of distributed's words, warnings and errors go to the log."""
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")
    kind, file = sys.argv[1:]
    settings = json.loads(Path(file).read_text(encoding="utf-8"))
    asyncio.run({"scheduler": schedule, "worker": work}[kind](settings))


if __name__ == "__main__":
    main()

"""Runs on the instance, from a zip file with its ``job.json``: fetch, install, run pytest, upload, done.

Standard library only, Python 3.9 and later. Whatever happens, the last object that it uploads is ``done``, which says
how it ended; the user data powers the instance off after it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import traceback
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import spot, uploads
from .gpu import wait_for_driver
from .group import cluster
from .group.members import find_place
from .install import install, unpack
from .launch import Launch, OutOfTimeError, StoppedError
from .run_tests import PytestRun
from .s3 import AgentError, Uploader
from .validity import canary, cpu_ticks, stolen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .group.members import Place


def run(launch: Launch) -> None:
    """Carries out a launch from its first step to its last upload; a step's error is told in the outcome.

    Raises:
        AgentError: the outcome itself could not be uploaded, or the machine's place in its group is not known.
    """
    place = find_place(launch.job["group"]["count"]) if "group" in launch.job else None
    if place is not None and not place.leads:
        _run_member(launch, place)
        return
    stopping, tests = threading.Event(), PytestRun(launch)
    heartbeat = threading.Thread(target=uploads.beat, args=(launch, stopping), daemon=True)
    heartbeat.start()
    if launch.in_container:
        trap(launch)
    elif launch.job.get("market") == "spot":
        watch = (launch.job["beat_s"], stopping, tests.take_back)
        threading.Thread(target=spot.watch, args=watch, daemon=True).start()

    def lead() -> str:
        python = _installed(launch)
        if place is not None:
            launch.enter("join")
        with contextlib.nullcontext() if place is None else cluster.leading(launch, place, python, tests.give_up):
            launch.enter("wait")
            with _turn():
                launch.validity["canary_before_s"], ticks = canary(), cpu_ticks()
                launch.enter("run")
                outcome = tests.run(python)
                launch.validity["steal"] = stolen(ticks, cpu_ticks())
                launch.validity["canary_after_s"] = canary()
        return outcome

    outcome = _outcome(launch, lead, tests.stopped)
    launch.enter("upload")
    stopping.set()
    heartbeat.join()
    if launch.stopped and not outcome.startswith("spot:"):
        return  # what it has is uploaded, and is no result: the rest of its cases may be launched again
    uploads.finish(launch, outcome)


def _run_member(launch: Launch, place: Place) -> None:
    """Works for the machine that leads; uploads its own log, and how it ended."""
    launch.uploader = Uploader(launch.job["group"]["members"][place.rank - 1], launch.signer)
    stopping = threading.Event()
    beats = threading.Thread(target=uploads.beat_log, args=(launch, stopping), daemon=True)
    beats.start()
    if launch.in_container:
        trap(launch)
    outcome = _outcome(launch, lambda: cluster.work_for(launch, place, _installed(launch)))
    stopping.set()
    beats.join()
    uploads.finish_member(launch, None if launch.stopped else outcome)


def _installed(launch: Launch) -> Path:
    """The Python that the tests run on, once the project, the wheels and a GPU's driver are there."""
    launch.enter("fetch")
    unpack(launch, "project", launch.root / "project")
    launch.enter("install")
    python = install(launch)
    wait_for_driver(launch)
    return python


def _outcome(launch: Launch, act: Callable[[], str], stopped: Callable[[], str] = lambda: "error: stopped") -> str:
    """How a launch's steps ended, whatever they raised."""
    try:
        launch.interruptible = True
        try:
            outcome = act()
        finally:
            launch.interruptible = False
    except StoppedError:
        outcome = stopped()
    except OutOfTimeError as error:
        launch.say(f"time limit of {launch.job['time_limit_s']} s: {error}")
        outcome = "timeout"
    except AgentError as error:
        outcome = f"error: {error}"
    except Exception:
        outcome = f"error: {traceback.format_exc()}"
    launch.say(f"outcome: {outcome}")
    return outcome


def trap(launch: Launch) -> None:
    """Has SIGTERM end what goes on: SageMaker sends it two minutes before it kills a training job's container."""

    def handler(*_: object) -> None:
        if launch.interruptible:  # else it is about to deliver all
            launch.interruptible, launch.stopped = False, True
            launch.say("SIGTERM: what is finished is uploaded")
            raise StoppedError("SIGTERM")

    signal.signal(signal.SIGTERM, handler)


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """Waits for this guest's turn: on embedded AWS all guests share one machine, and measure one at a time."""
    path = os.environ.get("PYTEST_BENCHMARK_AWS_TURN")
    if not path:
        yield
        return
    import fcntl

    with open(path, "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Runs the launch whose job is in the archive that this program runs from."""
    archive = Path(sys.argv[0]).resolve()
    with zipfile.ZipFile(archive) as content:
        job = json.loads(content.read("job.json"))
    launch = Launch(job, archive.parent)
    if launch.in_container:  # where the archive lies is input
        launch.root = Path(os.environ.get("PYTEST_BENCHMARK_AWS_OPT_ML", "/opt/ml")) / "pytest-benchmark-aws"
        launch.root.mkdir(parents=True, exist_ok=True)
    run(launch)

"""A small process that outlives an embedded AWS, and ends the guests of one that is killed: else they run on.

It removes what is on the disk as well, which takes seconds where guests have installed much, and nobody waits for it.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from pytest_benchmark_aws.embedded.guests import machine, processes


def start(root: Path, *, remove: bool) -> None:
    """Starts it, in a process without threads; it ends when this one does, however that happens.

    ``remove``: the root is of this start alone, and goes with it.
    """
    alive, held = os.pipe()  # neither is inherited by the guests
    if os.fork():
        os.close(alive)
        return
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):  # whoever reads them waits for their end
            os.dup2(nowhere, stream)
        os.close(held)
        os.read(alive, 1)  # nothing is ever written: it answers when the last holder is gone
        for directory in (*root.glob("instances/*"), *root.glob("training-jobs/*/algo-*")):
            processes.kill(None, machine.mark(directory), grace=0)
        if remove:
            os.nice(19)  # what is measured on this machine now goes first
            shutil.rmtree(root, ignore_errors=True)
    finally:
        os._exit(0)

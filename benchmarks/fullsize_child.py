"""One training in a process of its own, which says what it has reached as it goes: ``benchmarks.fullsize`` starts it.

Its argument is the JSON of a ``Task``; each line that it writes is JSON: a phase with its seconds, or a finished round.
It can be killed at any time, and what it wrote stays true.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.peak_memory import process_peak_rss
from benchmarks.problem import Problem
from benchmarks.training import PhaseClock, parameters, train, warm_up
from benchmarks.workload import CLASSES


@dataclass(frozen=True, slots=True)
class Task:
    """What to train: so many rows of the arrays in ``folder``, with so many threads on ``cpus``."""

    folder: str
    rows: int
    validation_rows: int
    rounds: int
    threads: int
    cpus: tuple[int, ...]
    variant: str = "note"


class SayingClock(PhaseClock):
    """A phase clock that says each round as it ends, which is when the next one begins."""

    rounds_said = 0
    said_at = 0.0

    def __call__(self, env: Any) -> None:
        """LightGBM's callback, before each round."""
        super().__call__(env)
        now = perf_counter()
        if env.iteration == env.begin_iteration:
            say(phase="dataset", seconds=self.dataset_seconds)
            say(phase="init", seconds=self.first_round - self.started - self.dataset_seconds)
        else:
            self.round_ends(now)
        self.said_at = now

    def round_ends(self, now: float) -> None:
        """Says the round that began when the last thing was said."""
        self.rounds_said += 1
        say(phase="round", number=self.rounds_said, seconds=now - self.said_at)


def say(**what: Any) -> None:
    """A line with the peak of memory so far."""
    print(json.dumps({**what, "peak_rss_bytes": process_peak_rss()}), flush=True)


def main(argument: str) -> None:
    """Pins itself, before OpenMP starts any thread, and trains."""
    fields = json.loads(argument)
    task = Task(**{**fields, "cpus": tuple(fields["cpus"])})
    if task.cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, task.cpus)
    folder = Path(task.folder)
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("x_train", "y_train", "x_val", "y_val")}
    problem = Problem(
        arrays["x_train"][: task.rows],
        arrays["y_train"][: task.rows],
        arrays["x_val"][: task.validation_rows],
        arrays["y_val"][: task.validation_rows],
        CLASSES,
    )
    params = parameters(task.variant, CLASSES, task.threads)
    warm_up(problem, params)
    say(phase="warm-up", seconds=0.0)
    clock = SayingClock()
    booster = train(problem, params, task.rounds, clock)
    clock.round_ends(clock.finished)
    say(phase="trained", trees=booster.num_trees(), seconds=clock.finished - clock.started)


if __name__ == "__main__":
    main(sys.argv[1])

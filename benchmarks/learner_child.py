"""One learner in a process of its own, so that its memory and its OpenMP are its own.

``python -m benchmarks.learner_child TASK``, with the task as JSON, trains once for each line that it reads, and answers
each with what it measured, a line of JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.answering import AnsweringProcess
from benchmarks.learners import LEARNERS
from benchmarks.peak_memory import process_peak_rss, process_rss, reset_peak_rss
from benchmarks.problem import Problem
from benchmarks.training import judge_by, quality_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.training import Quality

ARRAYS = ("x_train", "y_train", "x_val", "y_val")


@dataclass(frozen=True, slots=True)
class Task:
    """What to train, on the arrays in ``folder``."""

    learner: str
    folder: str
    classes: int
    rounds: int
    threads: int


@dataclass(frozen=True, slots=True)
class Report:
    """What one training took, and how good its model is."""

    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int | None
    """Of the whole process, from the training's start to its end."""
    grown_bytes: int | None
    """The peak over what was resident before: libraries and the raw arrays."""
    log_loss: float
    accuracy: float
    parameters: Mapping[str, Any]


def keep(problem: Problem, folder: Path) -> None:
    """Puts the arrays where a child reads them: a link where they are mapped from a file, else a copy."""
    for name in ARRAYS:
        array = getattr(problem, name)
        path = folder / f"{name}.npy"
        if isinstance(array, np.memmap) and array.filename is not None:
            path.symlink_to(array.filename)
        else:
            np.save(path, array)


class Child(AnsweringProcess):
    """A process that trains when it is asked to, after a warm-up."""

    def __init__(self, task: Task) -> None:
        arguments = [json.dumps(asdict(task))]
        super().__init__(task.learner, "benchmarks.learner_child", arguments, task.threads, "log_loss")

    def train(self) -> Report:
        """One more training.

        Raises:
            ProcessEndedError: the process ended, as where memory was short.
        """
        return Report(**self.ask("train"))


def serve(task: Task) -> None:
    """In the child: a touch of each page and a round on a few rows of each class first, then what it is asked for.

    A model is judged once, as the next one is the same.
    """
    learner = LEARNERS[task.learner]
    arrays = {name: np.load(Path(task.folder) / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
    problem = Problem(**arrays, classes=task.classes)
    for array in (problem.x_train, problem.x_val):
        array.reshape(-1)[:: 4096 // array.itemsize].sum()
    rows = np.union1d(np.arange(task.classes), np.unique(problem.y_train, return_index=True)[1])
    few, labels = problem.x_train[rows], problem.y_train[rows]
    learner.train(replace(problem, x_train=few, y_train=labels, x_val=few, y_val=labels), 1, task.threads)
    quality: Quality | None = None
    for _ in sys.stdin:
        before = process_rss()
        is_reset = reset_peak_rss()
        started, cpu = perf_counter(), process_time()
        trained = learner.train(problem, task.rounds, task.threads)
        seconds, cpu = perf_counter() - started, process_time() - cpu
        peak = process_peak_rss()
        quality = quality or quality_of(judge_by(trained.predict, problem))
        report = Report(
            seconds=seconds,
            cpu_seconds=cpu,
            peak_rss_bytes=peak,
            grown_bytes=peak - before if is_reset and peak is not None and before is not None else None,
            log_loss=quality.log_loss,
            accuracy=quality.accuracy,
            parameters=trained.parameters,
        )
        del trained
        print(json.dumps(asdict(report)), flush=True)


if __name__ == "__main__":
    serve(Task(**json.loads(sys.argv[1])))

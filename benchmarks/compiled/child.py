"""A compiler in a process of its own, so that its memory and its threads are its own, and it can be ended.

``python -m benchmarks.compiled.child compile TASK`` compiles once and says what that took. ``predict`` loads the model,
predicts all rows once, says what that took and keeps the probabilities; then it predicts for each line that it reads,
and answers each with the time of one call, a line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.answering import AnsweringProcess, ending, surroundings
from benchmarks.compiled.compilers import COMPILERS
from benchmarks.peak_memory import process_peak_rss, process_rss, reset_peak_rss
from pytest_benchmark_aws.core.values.durations import format_duration

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL = "model.txt"
ROWS = "rows.npy"
SHORTEST_S = 0.2
"""Seconds that a timing lasts at least: a call that is shorter is repeated."""


class NotCompiledError(RuntimeError):
    """The compiler ended without a model, or not in time; the text is what the table says of it."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to compile or to predict with: the model and the rows in ``folder``."""

    compiler: str
    folder: str
    threads: int = 1
    single_row: bool = False

    @property
    def model(self) -> Path:
        """LightGBM's own file."""
        return Path(self.folder) / MODEL

    @property
    def artifact(self) -> Path:
        """What the compiler makes of it; the same file where it reads that."""
        own = COMPILERS[self.compiler].compile is not None
        return Path(self.folder) / f"{self.compiler}.so" if own else self.model

    @property
    def probabilities(self) -> Path:
        """Where a child that predicts leaves those of all rows."""
        return Path(self.folder) / f"{self.compiler}-{self.threads}.npy"


@dataclass(frozen=True, slots=True)
class Compilation:
    """What a compilation took, the import of its libraries included."""

    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int | None
    """Of the largest process, a C compiler's among them."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What it takes to begin: the library's import, the model, and a first prediction of all rows."""

    load_seconds: float
    """Without the prediction."""
    grown_bytes: int | None
    """The peak over what was resident before: an interpreter, NumPy and the rows."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One call, the mean of ``calls``."""

    seconds: float
    cpu_seconds: float
    calls: int


def compile_within(task: Task, limit_s: float) -> Compilation:
    """Compiles in a process that is ended, with all that it has started, when the limit is over.

    Raises:
        NotCompiledError: it was not ready in time, or it failed.
    """
    if COMPILERS[task.compiler].compile is None:
        return Compilation(0.0, 0.0, None, task.artifact.stat().st_size)
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.compiled.child", "compile", json.dumps(asdict(task))],
        **surroundings(task.threads),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        written, said = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise NotCompiledError(
            f"{task.compiler} did not finish compiling in {format_duration(limit_s)}: --compile-limit gives it longer"
        ) from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode != 0:
        last = (said.strip().splitlines() or [ending(process.returncode)])[-1]
        raise NotCompiledError(f"{task.compiler} did not compile the model: {last[:300]}")
    return Compilation(**json.loads(written.strip().splitlines()[-1]))


class Child(AnsweringProcess):
    """A process that predicts when it is asked to."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.cpu_seconds = 0.0
        """All that it had used when it answered last."""
        arguments = ["predict", json.dumps(asdict(task))]
        super().__init__(task.compiler, "benchmarks.compiled.child", arguments, task.threads, "process_cpu_seconds")

    def loaded(self) -> Loaded:
        """What the start took; once, before the first prediction.

        Raises:
            ProcessEndedError: it ended.
        """
        return Loaded(**self.answer())

    def predict(self) -> Timing:
        """Predicts all rows at once, or one after the other.

        Raises:
            ProcessEndedError: it ended.
        """
        return Timing(**self.ask("predict"))

    def answer(self) -> dict[str, Any]:
        """The next answer, without the CPU seconds."""
        answer = super().answer()
        self.cpu_seconds = answer.pop("process_cpu_seconds")
        return answer


def compile_here(task: Task) -> Compilation:
    """In the child."""
    make = COMPILERS[task.compiler].compile
    assert make is not None
    started, cpu = perf_counter(), _cpu_seconds()
    make(task.model, task.artifact)
    return Compilation(perf_counter() - started, _cpu_seconds() - cpu, _peak(), task.artifact.stat().st_size)


def _cpu_seconds() -> float:
    """Of this process and those that it waited for."""
    return sum(os.times()[:4])


def _peak() -> int | None:
    peak = process_peak_rss()
    if peak is None or sys.platform != "linux":
        return peak
    import resource

    return max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)  # KiB, getrusage(2)


def serve(task: Task) -> None:
    """In the child: loads, predicts all rows, then answers each line."""
    rows = np.load(Path(task.folder) / ROWS)
    before, is_reset = process_rss(), reset_peak_rss()
    started = perf_counter()
    predict = COMPILERS[task.compiler].load(task.model, task.artifact, task.threads)
    seconds = perf_counter() - started
    probabilities = predict(rows)
    peak = process_peak_rss()
    grown = peak - before if is_reset and peak is not None and before is not None else None
    np.save(task.probabilities, np.asarray(probabilities).reshape(len(rows), -1))
    _say(Loaded(seconds, grown))
    inputs = [rows[number : number + 1] for number in range(len(rows))] if task.single_row else [rows]
    calls = 1
    for _ in sys.stdin:
        timing = _timed(predict, inputs, calls)
        while timing.seconds * timing.calls < SHORTEST_S:
            calls = max(calls + 1, round(1.2 * SHORTEST_S / timing.seconds))
            timing = _timed(predict, inputs, calls)
        _say(timing)


def _timed(predict: Any, inputs: list[NDArray[Any]], calls: int) -> Timing:
    chosen = [inputs[number % len(inputs)] for number in range(calls)]
    started, cpu = perf_counter(), process_time()
    for rows in chosen:
        predict(rows)
    seconds, cpu = perf_counter() - started, process_time() - cpu
    return Timing(seconds / calls, cpu / calls, calls)


def _say(what: Loaded | Timing) -> None:
    print(json.dumps({**asdict(what), "process_cpu_seconds": process_time()}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "compile":
        print(json.dumps(asdict(compile_here(Task(**json.loads(sys.argv[2]))))), flush=True)
    else:
        serve(Task(**json.loads(sys.argv[2])))

"""The published training at its full size, timed against the models: ``python -m benchmarks.fullsize --out FOLDER``.

13,788,428 x 30 rows, 401 classes, 4 rounds, with all vCPUs, one socket's cores and one thread, on a machine of 16 cores
and 128 GiB within nine minutes. Small trainings come first; from them the scale model predicts the time and the memory
of each large one, which is as large as the time that is left allows: fewer rows or rounds are said, and what the whole
would take is then extrapolated, and said so. Each training is a process of its own, so that its memory is its own, and
is ended when the time is up, with what it has reached. The table and the JSON are written after each step.

It needs NumPy, SciPy, LightGBM and this repository, and no installation of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "plugin"))

from benchmarks.workload import (  # noqa: E402
    BOOSTING_ROUNDS,
    CLASSES,
    PUBLISHED_ROWS,
    PUBLISHED_VALIDATION_ROWS,
    Workload,
    training_bytes,
)
from pytest_benchmark_aws.machine.hardware import first_threads, read_facts, socket_cpus  # noqa: E402
from pytest_benchmark_aws.predict.scale import ScalePoint, fit_memory, fit_phases  # noqa: E402
from pytest_benchmark_aws.predict.threads.model import ThreadTime  # noqa: E402
from pytest_benchmark_aws.predict.threads.model import fit as fit_threads  # noqa: E402
from pytest_benchmark_aws.predict.threads.placement import Placement  # noqa: E402
from pytest_benchmark_aws.report.text import aligned  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_benchmark_aws.machine.hardware import Facts
    from pytest_benchmark_aws.predict.estimate import Estimate

SMALL = {"all": (1 / 512, 1 / 128, 1 / 32), "socket": (1 / 256, 1 / 64), "1": (1 / 512, 1 / 256, 1 / 128)}
"""Shares of the rows that each number of threads is first trained on; with one thread an eighth takes minutes."""
SMALL_SHARE = 0.3
"""Of the time, at most this much is for the small trainings."""
SHARES = {"all": 0.75, "socket": 0.75, "1": 1.0}
"""Of the time that is left, what a large training may take by its prediction."""
START_S = 8.0
"""Importing LightGBM, mapping and touching the arrays, and ending the process."""
MEMORY_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Training:
    """What one training took, as far as it came."""

    threads: str
    count: int
    rows: int
    rounds_wanted: int
    small: bool
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds of ``dataset`` and ``init``."""
    rounds: tuple[float, ...] = ()
    """Seconds of each finished round."""
    peak_rss_bytes: int | None = None
    finished: bool = False
    predicted_seconds: Estimate | None = None
    """Of this training, rows and rounds as they were, from the smaller ones before it."""
    predicted_bytes: Estimate | None = None

    @property
    def seconds(self) -> float:
        """All phases and the finished rounds."""
        return sum(self.phases.values()) + sum(self.rounds)

    @property
    def phase_seconds(self) -> dict[str, float]:
        """The phases with the mean of the finished rounds; those that it reached."""
        per_round = {"round": sum(self.rounds) / len(self.rounds)} if self.rounds else {}
        return {**self.phases, **per_round}


def predicted(trainings: Iterable[Training], rows: int, rounds: int) -> tuple[Estimate, Estimate] | None:
    """Seconds and bytes of a training of that size, from others with the same threads; None without any."""
    points: dict[str, list[ScalePoint]] = {}
    sizes = []
    for training in trainings:
        for phase, seconds in training.phase_seconds.items():
            # A round is counted as often as it is made, so that the phases' sum is the whole training.
            times = rounds if phase == "round" else 1
            points.setdefault(phase, []).append(ScalePoint(training.rows, seconds * times))
        if training.peak_rss_bytes and training.finished:
            sizes.append(ScalePoint(training.rows, training.peak_rss_bytes))
    if "round" not in points or not sizes:
        return None
    return fit_phases(points).predict(rows), fit_memory(sizes).predict(rows)


def run_training(folder: Path, planned: Training, cpus: Sequence[int], seconds: float) -> Training:
    """Trains in a process of its own, for so many seconds at most, and reads what it has reached."""
    task = {
        "folder": str(folder),
        "rows": planned.rows,
        "validation_rows": validation_rows(planned.rows),
        "rounds": planned.rounds_wanted,
        "threads": planned.count,
        "cpus": list(cpus),
    }
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugin")))}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        command = [sys.executable, "-m", "benchmarks.fullsize_child", json.dumps(task)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said)
        try:
            process.wait(max(seconds, 1.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        said.seek(0)
        return as_far_as(planned, said.read().splitlines())


def as_far_as(planned: Training, lines: Iterable[str]) -> Training:
    """The training with what its process said; a line that it was killed in is left out."""
    phases: dict[str, float] = {}
    rounds: list[float] = []
    peak: int | None = None
    finished = False
    for line in lines:
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        peak = said.get("peak_rss_bytes") or peak
        if said["phase"] in {"dataset", "init"}:
            phases[said["phase"]] = said["seconds"]
        elif said["phase"] == "round":
            rounds.append(said["seconds"])
        elif said["phase"] == "trained":
            finished = said["trees"] == CLASSES * planned.rounds_wanted
    return replace(planned, phases=phases, rounds=tuple(rounds), peak_rss_bytes=peak, finished=finished)


def validation_rows(rows: int) -> int:
    """Validation rows in the published proportion, and one of each class at least."""
    return max(CLASSES, round(rows * PUBLISHED_VALIDATION_ROWS / PUBLISHED_ROWS))


def affordable(trainings: Sequence[Training], full: int, seconds: float, memory: int | None) -> tuple[int, int]:
    """The most rows and rounds that are predicted to end in so many seconds and to fit the memory.

    Rows come first, as memory and its first touch are what small sizes say least of: all rounds of all rows, then fewer
    rounds, then half as many rows, and so on.
    """
    rows = full
    while rows > 3_000:
        needs = training_bytes(Workload("", rows, validation_rows(rows)), trainings[0].count if trainings else 1)
        for rounds in range(BOOSTING_ROUNDS, 0, -1):
            estimates = predicted(trainings, rows, rounds)
            fits = memory is None or needs <= MEMORY_SHARE * memory
            if fits and estimates is not None and estimates[0].value + START_S <= seconds:
                return rows, rounds
        rows //= 2
    return 3_000, 1


def table(trainings: Sequence[Training], full: int) -> list[str]:
    """A line for each training, and one for what each number of threads takes at full size."""
    head = ("threads", "rows", "rounds", "dataset s", "init s", "round s", "all s", "predicted s", "off", "GiB")
    rows: list[tuple[str, ...]] = [(*head, "predicted GiB", "formula GiB", "")]
    for training in trainings:
        seconds, size = training.predicted_seconds, training.predicted_bytes
        needs = training_bytes(Workload("", training.rows, validation_rows(training.rows)), training.count)
        per_round = training.phase_seconds.get("round")
        rows.append(
            (
                f"{training.threads} ({training.count})",
                f"{training.rows:,}",
                f"{len(training.rounds)} of {training.rounds_wanted}",
                *(_number(training.phases.get(phase)) for phase in ("dataset", "init")),
                _number(per_round),
                _number(training.seconds),
                "-" if seconds is None else _interval(seconds),
                f"{seconds.value / training.seconds - 1:+.0%}" if seconds and training.finished else "-",
                "-" if training.peak_rss_bytes is None else f"{training.peak_rss_bytes / 2**30:.2f}",
                "-" if size is None else _interval(size.times(1 / 2**30)),
                f"{needs / 2**30:.2f}",
                "" if training.finished else "ended early: the time was up, or it failed",
            )
        )
    for threads in dict.fromkeys(training.threads for training in trainings):
        same = [training for training in trainings if training.threads == threads]
        whole = next((t for t in same if (t.rows, len(t.rounds)) == (full, BOOSTING_ROUNDS)), None)
        estimates = predicted(same, full, BOOSTING_ROUNDS)
        blank = (f"{threads} ({same[0].count})", f"{full:,}", f"{BOOSTING_ROUNDS}", "", "", "")
        if whole is not None:
            rows.append((*blank, _number(whole.seconds), "", "", "", "", "", "at full size: measured"))
        elif estimates is not None:
            said = "at full size: extrapolated from fewer rows or rounds, not measured"
            rows.append((*blank, "", _interval(estimates[0]), "", "", _interval(estimates[1].times(2**-30)), "", said))
    return aligned(rows, left=(0, 12))


def by_thread_model(trainings: Sequence[Training], facts: Facts, full: int) -> dict[str, Estimate]:
    """What the thread model, shown the small trainings alone, says of each number of threads at full size.

    The times are those of four rounds, also where fewer were made.
    """
    sockets = facts.sockets or 1
    where = {"all": Placement(facts.vcpus, facts.cores, min(sockets, facts.cores)), "1": Placement(1, 1, 1)}
    times = []
    for training in trainings:
        where.setdefault(training.threads, Placement(training.count, training.count, 1))
        per_round = training.phase_seconds.get("round")
        if training.small and per_round is not None:
            seconds = sum(training.phases.values()) + BOOSTING_ROUNDS * per_round
            times.append(ThreadTime(training.rows, where[training.threads], seconds))
    if not times:
        return {}
    model = fit_threads(times, held_out=False)
    return {threads: model.predict(full, where[threads]) for threads in dict.fromkeys(t.threads for t in trainings)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the time allows; the exit code is 1 where not one training ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fullsize", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where fullsize.json and .txt go")
    parser.add_argument("--budget-s", type=float, default=520.0, help="seconds after which it stops (default 520)")
    parser.add_argument("--rows", type=int, default=PUBLISHED_ROWS, help="full size (default: the published rows)")
    parser.add_argument("--threads", nargs="+", choices=list(SMALL), default=list(SMALL), help="which to run")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    facts = read_facts()
    pinned = socket_cpus()
    counts = {"all": facts.vcpus, "socket": len(pinned) or facts.cores, "1": 1}
    cpus = {"all": (), "socket": tuple(sorted(pinned)), "1": tuple(sorted(first_threads().values())[:1])}
    wanted = [name for name in options.threads if name != "socket" or counts["socket"] != counts["all"]]
    trainings: list[Training] = []

    def left() -> float:
        return float(options.budget_s - (time.monotonic() - started))

    def report() -> list[str]:
        said = by_thread_model(trainings, facts, options.rows)
        whole = "; ".join(
            f"{threads} ({counts[threads]}) {_interval(estimate)} s" for threads, estimate in said.items()
        )
        return [*table(trainings, options.rows), f"full size by the thread model, from the small trainings: {whole}"]

    def step(planned: Training, seconds: float) -> None:
        estimates = predicted(
            [t for t in trainings if t.threads == planned.threads], planned.rows, planned.rounds_wanted
        )
        if estimates is not None:
            planned = replace(planned, predicted_seconds=estimates[0], predicted_bytes=estimates[1])
        trainings.append(run_training(folder, planned, cpus[planned.threads], seconds))
        lines = report()
        (options.out / "fullsize.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        document = {
            "full_rows": options.rows,
            "seconds_used": time.monotonic() - started,
            "machine": facts.as_dict(),
            "thread_model": {
                threads: asdict(estimate)
                for threads, estimate in by_thread_model(trainings, facts, options.rows).items()
            },
            "trainings": [asdict(training) for training in trainings],
        }
        (options.out / "fullsize.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        print(f"{time.monotonic() - started:6.1f} s  {trainings[-1].threads}, {planned.rows:,} rows", flush=True)

    with tempfile.TemporaryDirectory(prefix="fullsize-") as name:
        folder = Path(name)
        from benchmarks.datagen import generate

        generate(folder, options.rows, validation_rows(options.rows), workers=facts.vcpus)
        print(f"{time.monotonic() - started:6.1f} s  data", flush=True)
        small_until = options.budget_s * (1 - SMALL_SHARE)
        for threads in wanted:
            for share in SMALL[threads]:
                rows = max(round(options.rows * share), 3_000)
                rounds = 1 if threads == "1" else BOOSTING_ROUNDS
                same = [training.rows for training in trainings if training.threads == threads]
                if rows not in same and (left() > small_until or not same):
                    step(Training(threads, counts[threads], rows, rounds, small=True), left() / 2)
        for threads in wanted:
            made = [training for training in trainings if training.threads == threads and training.rounds]
            rows, rounds = affordable(made, options.rows, left() * SHARES[threads], facts.memory_bytes)
            if left() > START_S and rows > max((training.rows for training in made), default=0):
                step(Training(threads, counts[threads], rows, rounds, small=False), left() - 2)
    print("\n".join(report()))
    return 0 if any(training.finished for training in trainings) else 1


def _number(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f}" if seconds < 100 else f"{seconds:.0f}"


def _interval(estimate: Estimate) -> str:
    return f"{_number(estimate.value)} [{_number(estimate.low)}, {_number(estimate.high)}]"


if __name__ == "__main__":
    sys.exit(main())

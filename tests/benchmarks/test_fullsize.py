"""The full-size script: what it plans, what it reads of a training that was ended, and one small run of it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("lightgbm", reason="the benchmarks need the extra [bench]")

from benchmarks import fullsize
from benchmarks.datagen import generate
from benchmarks.fullsize import Training, affordable, as_far_as, main, predicted, run_training, table, validation_rows
from benchmarks.workload import CLASSES, PUBLISHED_ROWS, PUBLISHED_VALIDATION_ROWS

if TYPE_CHECKING:
    from pathlib import Path

GIB = 2**30


def training(rows: int, *, seconds: float = 1e-6, threads: str = "all", rounds: int = 4) -> Training:
    """One that took so many seconds a row and round, and 16 bytes a row and class."""
    return Training(
        threads,
        16 if threads == "all" else 1,
        rows,
        rounds,
        small=True,
        phases={"dataset": rows * seconds / 4, "init": rows * seconds / 2},
        rounds=(rows * seconds,) * rounds,
        peak_rss_bytes=10**8 + rows * CLASSES * 16,
        finished=True,
    )


def test_the_published_rows_have_the_published_validation_rows() -> None:
    """And a few rows have one of each class."""
    assert validation_rows(PUBLISHED_ROWS) == PUBLISHED_VALIDATION_ROWS
    assert validation_rows(1_000) == CLASSES


def test_a_training_that_was_ended_has_what_it_reached() -> None:
    """Two phases and one round, and not the line that was being written."""
    lines = [
        json.dumps({"phase": "warm-up", "seconds": 0.0, "peak_rss_bytes": 10}),
        json.dumps({"phase": "dataset", "seconds": 2.0, "peak_rss_bytes": 20}),
        json.dumps({"phase": "init", "seconds": 3.0, "peak_rss_bytes": 40}),
        json.dumps({"phase": "round", "number": 1, "seconds": 5.0, "peak_rss_bytes": 50}),
        '{"phase": "round", "num',
    ]
    planned = Training("all", 16, 1_000, 4, small=False)
    reached = as_far_as(planned, lines)
    assert (reached.phases, reached.rounds) == ({"dataset": 2.0, "init": 3.0}, (5.0,))
    assert (reached.seconds, reached.peak_rss_bytes, reached.finished) == (10.0, 50, False)
    trained = json.dumps({"phase": "trained", "trees": 4 * CLASSES, "seconds": 10.0, "peak_rss_bytes": 50})
    assert as_far_as(planned, [*lines, trained]).finished


def test_a_large_training_is_predicted_from_small_ones() -> None:
    """Seconds of the rounds that are asked for, and bytes."""
    small = [training(rows) for rows in (25_000, 100_000, 400_000)]
    estimates = predicted(small, 1_600_000, 2)
    assert estimates is not None
    assert estimates[0].value == pytest.approx(1.6 * 2.75, rel=0.1)
    assert estimates[1].value == pytest.approx(1.6e6 * CLASSES * 16, rel=0.1)
    assert predicted([], 1_600_000, 2) is None


@pytest.mark.parametrize(
    ("seconds", "memory", "expected"),
    [
        (600.0, 128 * GIB, (PUBLISHED_ROWS, 4)),
        (50.0, 128 * GIB, (PUBLISHED_ROWS, 2)),
        (25.0, 128 * GIB, (PUBLISHED_ROWS // 2, 1)),
        (600.0, 64 * GIB, (PUBLISHED_ROWS // 2, 4)),
        (1.0, 128 * GIB, (3_000, 1)),
    ],
)
def test_what_the_time_and_the_memory_allow_is_planned(seconds: float, memory: int, expected: tuple[int, int]) -> None:
    """All rows and rounds, then fewer rounds, then half as many rows."""
    small = [training(rows) for rows in (25_000, 100_000, 400_000)]
    assert affordable(small, PUBLISHED_ROWS, seconds, memory) == expected


def test_what_was_not_measured_is_called_extrapolated() -> None:
    """The last lines of the table say what each number of threads takes at full size, and whether it was measured."""
    one = [training(rows, threads="1", rounds=1) for rows in (25_000, 50_000, 100_000)]
    lines = table([training(25_000), training(200_000), *one], 200_000)
    assert len({line.index("rows") for line in lines[:1]}) == 1
    assert lines[-2].endswith("at full size: measured")
    assert lines[-1].endswith("at full size: extrapolated from fewer rows or rounds, not measured")


def test_a_run_writes_its_table_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With one thread on 4,000 rows: real trainings, each in a process of its own."""
    assert main(["--out", str(tmp_path), "--rows", "4000", "--budget-s", "120", "--threads", "1"]) == 0
    document = json.loads((tmp_path / "fullsize.json").read_text())
    small, whole = document["trainings"]
    assert (small["rows"], small["rounds_wanted"], small["finished"]) == (3_000, 1, True)
    assert (whole["rows"], len(whole["rounds"]), whole["finished"]) == (4_000, 4, True)
    assert whole["peak_rss_bytes"] > 2**25
    assert whole["predicted_seconds"]["low"] < whole["predicted_seconds"]["high"]
    assert document["machine"]["vcpus"] >= 1
    assert set(document["thread_model"]) == {"1"}
    assert "at full size: measured" in capsys.readouterr().out


def test_a_training_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """One that takes 20 seconds and may take one is not waited for, and is not called finished."""
    generate(tmp_path, 200_000, validation_rows(200_000))
    started = time.monotonic()
    reached = run_training(tmp_path, Training("1", 1, 200_000, 4, small=False), (), 1.0)
    assert time.monotonic() - started < 10
    assert not reached.finished
    assert len(reached.rounds) < 4


def test_without_a_training_that_ended_the_exit_code_is_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the table says which did not."""
    monkeypatch.setattr(fullsize, "run_training", lambda _folder, planned, _cpus, _seconds: planned)
    assert fullsize.main(["--out", str(tmp_path), "--rows", "4000", "--budget-s", "60", "--threads", "1"]) == 1
    assert "ended early: the time was up, or it failed" in capsys.readouterr().out

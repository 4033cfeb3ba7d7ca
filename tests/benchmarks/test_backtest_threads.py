"""The backtest of the thread model, on made-up machines: the measured ones are not in this repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import backtest_threads
from benchmarks.threadtimes import FILE_NAME, medians, read_times, usual
from pytest_benchmark_aws.predict.threads.forms import LIGHTGBM, TERMS
from pytest_benchmark_aws.predict.threads.placement import Placement, Topology, place

HEAD = "machine,hardware,tool,rows_million,threads,cpus,note,runs,seconds_median,seconds_min,seconds_max\n"
MEASURED = Path("../shared/data")


def made_up(rows: float, placement: Placement, speed: float, waiting: float) -> float:
    million = rows / 1e6
    waits = waiting * (placement.threads + (placement.sockets - 1) * placement.threads) * million**0.13
    return speed * (
        0.5 * million**0.13 + waits + 18 * million**1.03 / (placement.cores + 0.2 * placement.second_threads)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three machines of two sockets of eight cores, each at three scales, and one of another tool."""
    topology = Topology(2, 8, 2)
    lines = [HEAD]
    for machine, (speed, waiting) in {"slow": (2.0, 0.05), "fast": (0.5, 0.03), "even": (1.0, 0.04)}.items():
        for rows in (0.1, 1.0, 10.0):
            for threads, cpus in ((1, "0"), (2, "0-1"), (4, "0-3"), (8, "0-7"), (16, "0-15"), (32, "0-31")):
                seconds = made_up(rows * 1e6, place(threads, topology), speed, waiting)
                times = f"3,{seconds},{seconds * 0.98},{seconds * 1.02}"
                lines.append(
                    f'{machine},"2x Any, 2 x 8 cores, 2 threads a core",lightgbm,{rows},{threads},{cpus},,{times}\n'
                )
    lines.append('slow,"Any, 8 cores, 1 thread a core",xgboost,0.1,1,0,,1,1.0,1.0,1.0\n')
    (tmp_path / FILE_NAME).write_text("".join(lines))
    return tmp_path


def test_the_table_is_read_with_its_cpus(folder: Path) -> None:
    """Bound CPUs become cores, second threads and sockets; three runs are three launches, other tools are left out."""
    machines = read_times(folder)
    assert set(machines) == {"slow", "fast", "even"}
    assert machines["slow"].topology == Topology(2, 8, 2)
    assert len(machines["slow"].times) == 3 * 6 * 3
    placements = set(medians(machines["slow"].times, 1e7))
    assert {Placement(8, 8, 1), Placement(16, 16, 2), Placement(32, 16, 2)} < placements


def test_machines_that_scale_alike_are_predicted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Within 20 %, threads within 5 % of the best, beside the straight line's figures; exit code 0."""
    assert backtest_threads.main(["--data", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["machine", "slow", "fast", "even", "median"]
    assert "18 of 18" in lines[-1]
    assert "naive" in lines[1]


def test_what_is_usual_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Coefficients in the order of the terms, none of which is never; it is what thread_forms ships."""
    prior = usual(list(read_times(folder).values()))
    assert len(prior.coefficients) == len(TERMS) == len(LIGHTGBM.coefficients)
    assert min(prior.coefficients) >= 0.001
    assert prior.source == LIGHTGBM.source
    assert backtest_threads.main(["--data", str(folder), "--prior"]) == 0
    assert capsys.readouterr().out.startswith("ThreadPrior(")


def test_without_the_table_it_says_where_it_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and the path."""
    assert backtest_threads.main(["--data", str(tmp_path)]) == 2
    assert f"{tmp_path / FILE_NAME}: No such file" in capsys.readouterr().err


def test_hardware_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Cores and threads a core are needed."""
    (tmp_path / FILE_NAME).write_text(HEAD + "a,a big one,lightgbm,0.1,1,0,,1,1.0,1.0,1.0\n")
    with pytest.raises(ValueError, match="a big one"):
        read_times(tmp_path)


@pytest.mark.skipif(not (MEASURED / FILE_NAME).exists(), reason="the measurements are not in this repository")
def test_the_measured_machines_are_predicted() -> None:
    """Each within 20 % (median) and 5 % of the best, where the table is at hand; and the shipped prior is its own."""
    assert backtest_threads.main(["--data", str(MEASURED)]) == 0
    machines = [machine for machine in read_times(MEASURED).values() if len({t.scale for t in machine.times}) == 3]
    assert usual(machines) == LIGHTGBM

"""Levers: ratios, quality, the table, and a real run of one."""

from __future__ import annotations

import json
from dataclasses import astuple, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

np = pytest.importorskip("numpy", reason="the benchmarks need the extra [bench]")
pytest.importorskip("lightgbm", reason="the benchmarks need the extra [bench]")

from benchmarks.levers import LEVERS, SAME, LeverResult, difference, lines_of, read  # noqa: E402
from benchmarks.ratios import PAIRS, Ratio, Ratios, pairs_at, ratio  # noqa: E402
from benchmarks.workload import parse_scale  # noqa: E402
from tests.acceptance.test_suite import suite  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

FASTER = Ratio(0.7, 0.65, 0.72)
RESULT = LeverResult(
    name="bins15",
    shape="20,000 rows, 1 thread",
    seconds=1.5,
    ratios=Ratios(wall=Ratio(0.9, 0.6, 1.4), cpu=FASTER, threads=1),
    log_loss=2.6,
    log_loss_difference=-0.1,
    log_loss_margin=0.02,
    accuracy=0.65,
    load=0.5,
)


def test_a_drifting_machine_leaves_the_ratio_as_it_is() -> None:
    """A machine that gets slower by the minute: each training's neighbours did too."""
    default = [1.0 + 0.5 * step for step in range(PAIRS + 1)]
    lever = [0.75 * (before + after) / 2 for before, after in pairwise(default)]
    assert astuple(ratio(lever, default)) == pytest.approx((0.75, 0.75, 0.75))


def test_few_pairs_have_no_interval_and_are_never_called_faster() -> None:
    """At sizes where a training takes long there is one pair."""
    assert pairs_at(parse_scale("laptop")) == PAIRS
    assert pairs_at(parse_scale("full")) == 1
    single = ratio([0.5], [1.0, 1.0])
    assert single == Ratio(0.5, None, None)
    assert not single.below_one
    (line,) = [line for line in lines_of([replace(RESULT, ratios=Ratios(single, single, 1))]) if "bins15" in line]
    assert line.endswith("too few pairs")


def test_a_difference_of_log_loss_has_the_margin_of_its_rows() -> None:
    """Rows that both models find hard do not widen it; equal models differ by nothing."""
    default = np.random.default_rng(1).exponential(size=10_000)
    assert difference(default, default) == (0.0, 0.0)
    apart, margin = difference(default + np.random.default_rng(2).normal(0.1, 1.0, 10_000), default)
    assert apart == pytest.approx(0.1, abs=0.03)
    assert margin == pytest.approx(1.96 / 100, rel=0.05)


@pytest.mark.parametrize(
    ("result", "verdict", "named"),
    [
        (RESULT, "faster", True),
        (replace(RESULT, log_loss_difference=0.0), "faster", True),
        (replace(RESULT, log_loss_difference=0.0001), "faster, worse log loss", False),
        (replace(RESULT, ratios=Ratios(FASTER, Ratio(0.7, 0.6, 1.01), 1)), "no difference in time", False),
        (replace(RESULT, ratios=Ratios(FASTER, Ratio(1.3, 1.2, 1.4), 1)), "slower", False),
        (replace(RESULT, ratios=Ratios(FASTER, Ratio(1.3, 1.2, 1.4), 2)), "faster", True),
    ],
)
def test_what_is_surely_faster_at_no_worse_log_loss_is_named(result: LeverResult, verdict: str, named: bool) -> None:
    """By CPU time with one thread, by the clock with more."""
    lines = lines_of([result])
    (line,) = [line for line in lines if line.startswith("  bins15 ")]
    assert line.endswith(f"{LEVERS['bins15'].changes}  {verdict}")
    assert ("→ faster at equal or better log loss: bins15 (0.7" in lines[-1]) is named


def test_each_shape_has_a_table() -> None:
    """Results of two machines, or two numbers of rows, never stand in one table."""
    lines = lines_of([RESULT, replace(RESULT, shape="40,000 rows, 1 thread")])
    assert [line for line in lines if line.startswith("levers:")] == [
        "levers: 20,000 rows, 1 thread; load average 0.5 to 0.5",
        "levers: 40,000 rows, 1 thread; load average 0.5 to 0.5",
    ]


def test_a_benchmark_that_timed_nothing_is_no_row() -> None:
    """As with --benchmark-disable."""
    assert read(1.0, {"lever": "bins15"}) is None


def test_the_levers_are_left_out_unless_they_are_asked_for(root: Path) -> None:
    """``--benchmark-only`` has neither levers nor peers, nor has their folder; -m brings them, at their scale."""
    plain = suite(root, "--co", "-q", "--benchmark-only")
    assert "test_lever" not in plain.stdout + suite(root, "--co", "-q", "benchmarks").stdout
    assert "test_peer" not in plain.stdout
    chosen = suite(root, "--co", "-q", "-m", "levers")
    assert set(chosen.stdout.splitlines()) >= {
        f"benchmarks/test_levers.py::test_lever[20000-{name}-1]" for name in LEVERS
    }
    assert "test_train" not in chosen.stdout
    without = suite(root, "--co", "-q", "-m", "not levers", "tests/benchmarks/test_pairs.py")
    assert "test_coverage_is_what_is_claimed" in without.stdout


def test_a_lever_is_timed_between_trainings_of_the_default(root: Path, tmp_path: Path) -> None:
    """A real run: the ratio with its interval, the quality beside the default's, the table at the end."""
    out = tmp_path / "out.json"
    node = "benchmarks/test_levers.py::test_lever[smoke-row-wise-1]"
    done = suite(root, node, "--scale=smoke", f"--benchmark-json={out}")
    assert done.returncode == 0, done.stdout + done.stderr
    (bench,) = json.loads(out.read_text())["benchmarks"]
    extra = bench["extra_info"]
    assert bench["stats"]["rounds"] == PAIRS
    value, low, high = extra["cpu_ratio"]
    assert low <= value <= high
    assert LEVERS[extra["lever"]].changes == SAME
    assert extra["log_loss_difference"] == pytest.approx(0, abs=1e-3)
    assert extra["lightgbm_parameters"]["force_row_wise"] is True
    assert extra["threads"] == 1
    table = done.stdout.partition("levers: 5,000 rows, 401 classes, 4 rounds, 882 validation rows, 1 thread;")[2]
    assert "\n  row-wise " in table
    assert "→ faster at equal or better log loss:" in table

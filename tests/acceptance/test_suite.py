"""The LightGBM benchmarks by the real command line, in this repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

np = pytest.importorskip("numpy", reason="the benchmarks need the extra [bench]")
pytest.importorskip("lightgbm", reason="the benchmarks need the extra [bench]")

EXTRA_INFO = {
    "rows", "features", "classes", "boosting_rounds", "threads", "row_trees_per_second", "dataset_seconds",
    "init_seconds", "rounds_seconds", "cpu_seconds", "peak_rss_bytes", "validation_log_loss", "validation_accuracy",
    "lightgbm_version", "lightgbm_parameters", "load_average", "steal",
}  # fmt: skip
"""What every result is promised to carry."""


def suite(root: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest in the repository."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args]
    return subprocess.run(
        command, cwd=root, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Any]:
    """One whole smoke run, its output and its JSON."""
    folder = tmp_path_factory.mktemp("smoke")
    root = request.config.rootpath
    out = folder / "out.json"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_XDIST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--benchmark-only", "--scale=smoke", f"--benchmark-json={out}",
         f"--benchmark-storage={folder}/store", "--benchmark-save=one"],
        cwd=root, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {"output": done.stdout, "data": json.loads(out.read_text()), "store": folder / "store", "out": out}


def test_each_result_carries_what_explains_its_time(smoke: dict[str, Any]) -> None:
    """Every promised key is in every result's extra_info."""
    for bench in smoke["data"]["benchmarks"]:
        assert set(bench["extra_info"]) >= EXTRA_INFO, bench["name"]


def test_training_phases_add_up_to_the_median_round(smoke: dict[str, Any]) -> None:
    """Dataset, init and rounds together are what was timed, within a percent."""
    trains = [bench for bench in smoke["data"]["benchmarks"] if bench["group"] == "train"]
    assert trains
    for bench in trains:
        extra = bench["extra_info"]
        parts = extra["dataset_seconds"] + extra["init_seconds"] + extra["rounds_seconds"]
        assert parts == pytest.approx(bench["stats"]["median"], rel=0.01)
        work = 5_000 * 4 * 401
        assert extra["row_trees_per_second"] == pytest.approx(work / bench["stats"]["median"])


def test_training_ids_name_scale_variant_and_threads(smoke: dict[str, Any]) -> None:
    """``train`` in the name, ``note`` or ``regularized`` in the id, so that -k finds them."""
    names = {bench["name"] for bench in smoke["data"]["benchmarks"] if bench["group"] == "train"}
    assert {"test_train[smoke-note-vcpus]", "test_train[smoke-regularized-vcpus]"} <= names
    assert {"test_predict", "test_dataset", "test_load"} <= {
        bench["name"].split("[")[0] for bench in smoke["data"]["benchmarks"]
    }


def test_the_regularized_model_learns(smoke: dict[str, Any]) -> None:
    """Better than guessing each of 401 classes alike, whose log loss is log(401) = 5.99."""
    losses = [
        bench["extra_info"]["validation_log_loss"]
        for bench in smoke["data"]["benchmarks"]
        if "regularized" in bench["name"]
    ]
    assert losses
    assert all(loss < 5.99 for loss in losses)


def test_the_run_ends_with_the_comparison(smoke: dict[str, Any]) -> None:
    """This machine next to both published ones, by throughput and money, and no seconds of another scale."""
    table = smoke["output"].split("this machine next to the baselines", 1)[1]
    assert re.search(r"▸ this machine\s+smoke", table)
    assert re.search(r"m5\.8xlarge \(published\)\s+full\s+32\s+38\.5 M\s+1\.2 M\s+1\.000\s+1\.5360\s+0\.2449", table)
    assert re.search(r"r5\.4xlarge \(published\)\s+full\s+16\s+29 M", table)


def test_a_second_run_is_compared_with_the_first(root: Path, smoke: dict[str, Any]) -> None:
    """--benchmark-compare shows both runs; stock pytest-benchmark compare reads the saved files."""
    test = "benchmarks/test_dataset.py::test_load"
    storage = f"--benchmark-storage={smoke['store']}"
    done = suite(
        root, test, "--benchmark-only", "--scale=smoke", storage, "--benchmark-compare=0001", "--benchmark-autosave"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(0001_one)" in done.stdout
    files = map(str, [smoke["out"], *smoke["store"].rglob("*.json")])
    stock = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", *files],
        capture_output=True, text=True, timeout=60, check=False, cwd=root,
    )  # fmt: skip
    assert stock.returncode == 0, stock.stderr
    assert stock.stdout.count("test_load[smoke-vcpus]") >= 3


def test_plain_pytest_collects_no_benchmark(root: Path) -> None:
    """``pytest`` is the tests, quickly."""
    done = suite(root, "--collect-only", "-q")
    assert done.returncode == 0
    assert "tests/core/" in done.stdout
    assert "benchmarks/test_train" not in done.stdout


def test_benchmark_only_collects_no_test(root: Path) -> None:
    """``pytest --benchmark-only`` is the benchmarks, and not the long ones of the harness."""
    done = suite(root, "--collect-only", "-q", "--benchmark-only")
    assert done.returncode == 0
    assert "benchmarks/test_train.py::test_train[laptop-note-vcpus]" in done.stdout
    assert "tests/" not in done.stdout
    assert "overhead" not in done.stdout


def test_benchmark_only_needs_the_extra_bench_alone(root: Path, tmp_path: Path) -> None:
    """What only tests import may be missing, as in the environment that trains on AWS."""
    (tmp_path / "hypothesis.py").write_text("raise ImportError('not installed')\n")
    done = suite(root, "--benchmark-only", "--scale=smoke", "--co", "-q", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_train" in done.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--scale=huge"], "--scale=huge: give smoke, laptop, full, or training rows"),
        (["--scale=100"], "100 rows are too few for 401 classes; give at least 2,270"),
        (["--scale=smoke", "--data=x.csv"], "--scale and --data: choose one"),
        (["--label=y"], "--label names a column of --data FILE"),
        (["--data=nowhere.csv", "--label=y"], "does not exist"),
    ],
)
def test_wrong_options_end_at_once(root: Path, args: list[str], words: str) -> None:
    """One clear line, exit code 4, nothing collected."""
    done = suite(root, "--benchmark-only", *args)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_scale_beyond_this_machine_is_skipped_before_data_is_made(root: Path, tmp_path: Path) -> None:
    """A billion rows: every case says what it needs and what there is, and the cache stays empty."""
    done = suite(root, "--benchmark-only", "--scale=1000M", PYTEST_BENCHMARK_AWS_CACHE=str(tmp_path))
    assert done.returncode == 0
    assert re.search(
        r"test_train\[1000000000-note-vcpus\]: needs ≈ [\d.]+ TiB of memory, this machine has", done.stdout
    )
    assert list(tmp_path.iterdir()) == []


def test_own_data_is_trained_on_and_each_column_explained(root: Path, tmp_path: Path) -> None:
    """A csv with strings, dates and gaps: the run says what it did, and trains on it."""
    random = np.random.default_rng(0)
    species = random.integers(0, 3, 600)
    lines = ["length,colour,seen,species"]
    for number, kind in enumerate(species):
        length = "" if number % 50 == 0 else f"{kind + random.random():.3f}"
        lines.append(f"{length},{['red', 'blue'][number % 2]},2026-01-{number % 28 + 1:02},{['a', 'b', 'c'][kind]}")
    (tmp_path / "mine.csv").write_text("\n".join(lines) + "\n")
    data = [f"--data={tmp_path}/mine.csv", "--label=species"]
    done = suite(root, "--benchmark-only", *data, "-k", "train and vcpus", f"--benchmark-json={tmp_path}/out.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "510 training and 90 validation rows, 3 features, 3 classes" in done.stdout
    assert "column 'colour': string -> categorical, 2 values" in done.stdout
    assert "column 'seen': date -> numeric, days since 1970-01-01" in done.stdout
    assert "12 missing" in done.stdout
    extra = json.loads((tmp_path / "out.json").read_text())["benchmarks"][-1]["extra_info"]
    assert (extra["rows"], extra["classes"]) == (510, 3)

"""The training on a GPU: on PoCL, which makes a CPU an OpenCL device, and without any device."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

np = pytest.importorskip("numpy", reason="the benchmarks need the extra [bench]")
pytest.importorskip("lightgbm", reason="the benchmarks need the extra [bench]")

from tests.acceptance.test_suite import suite  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

NO_DEVICE = "LightGBM cannot train on a GPU here: No OpenCL device found"


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    """600 rows of three classes: 401 of them take minutes on PoCL."""
    random = np.random.default_rng(0)
    kinds = random.integers(0, 3, 600)
    lines = [f"{kind + random.random():.3f},{random.random():.3f},{'abc'[kind]}" for kind in kinds]
    (tmp_path / "mine.csv").write_text("\n".join(["length,width,species", *lines]) + "\n")
    return [f"--data={tmp_path}/mine.csv", "--label=species"]


def test_the_model_is_as_good_as_the_cpus(root: Path, tmp_path: Path, data: list[str]) -> None:
    """The benchmark itself checks it; the result names the device and both log losses."""
    out = tmp_path / "out.json"
    done = suite(root, "--benchmark-only", "-m", "gpu", *data, "-k", "63", "-rs", f"--benchmark-json={out}")
    assert done.returncode == 0, done.stdout + done.stderr
    if NO_DEVICE in done.stdout:
        pytest.skip("no OpenCL device is here: apt-get install pocl-opencl-icd makes one of the CPU")
    (bench,) = json.loads(out.read_text())["benchmarks"]
    extra = bench["extra_info"]
    assert extra["lightgbm_parameters"]["device_type"] == "gpu"
    assert extra["opencl_device"] != "not told"
    assert extra["validation_log_loss"] == pytest.approx(extra["cpu_validation_log_loss"], rel=0.01)


def test_without_a_device_it_is_skipped_with_the_reason(root: Path, data: list[str]) -> None:
    """And with what to install."""
    done = suite(root, "--benchmark-only", "-m", "gpu", *data, "-rs", OCL_ICD_VENDORS="/nowhere")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 skipped" in done.stdout
    assert NO_DEVICE in done.stdout
    assert "apt-get install pocl-opencl-icd" in done.stdout


def test_it_is_chosen_by_its_marker_alone(root: Path) -> None:
    """``pytest --benchmark-only`` trains on the CPU, and ``--aws`` launches no GPU type that was not asked for."""
    everything = suite(root, "--collect-only", "-q", "--benchmark-only")
    assert "test_train_gpu" not in everything.stdout
    chosen = suite(root, "--collect-only", "-q", "--benchmark-only", "-m", "gpu")
    names = [line for line in chosen.stdout.splitlines() if "::" in line]
    assert names == [f"benchmarks/test_train_gpu.py::test_train_gpu[20000-{bins}]" for bins in (255, 63)]

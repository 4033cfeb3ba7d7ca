"""The training with ``device_type="gpu"``, LightGBM's OpenCL learner, which the wheel on PyPI has: ``pytest -m gpu``.

What it is known not to do well, so that nobody takes its times for what a GPU can do:

- It builds histograms on the GPU and finds splits on the CPU, so that each leaf's histograms travel back; on few rows
  that costs more than it saves (LightGBM #768). With 401 classes a round is 401 such trees: three classes were slower
  than the CPU already (#6525).
- A feature may have 256 bins at most (``gpu_tree_learner.cpp``), and LightGBM's guide names 63 as the fast setting
  ("GPU Tuning Guide and Performance Comparison"). 255, the default, is the published experiment's; both are measured.
- It sums in single precision (``gpu_use_dp``), so that its trees are not the CPU's to the last bit.
- Each training compiles its OpenCL kernels anew, unless the driver keeps them.
- A CPU will do as OpenCL device, with PoCL, and is then far slower than LightGBM on that CPU: for tests alone ("GPU SDK
  Correspondence and Device Targeting Table").

``device_type="cuda"`` needs LightGBM built from source, and is not measured here.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import pytest

from benchmarks.measure import measure, record_quality, record_throughput
from benchmarks.training import PhaseClock, bare_train, judge, parameters, train, warm_up
from benchmarks.workload import gpu_training_memory, thread_count

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from benchmarks.problem import Problem
    from benchmarks.workload import Workload

NO_DEVICE = ("No OpenCL device found", "GPU Tree Learner was not enabled")
"""How LightGBM's errors begin where there is nothing to train on; any other is a failure."""
_USED = re.compile(r"Using GPU Device: (.{1,200}?), Vendor:")
CLOSE = 0.01
"""The share by which the log loss may differ from the CPU's."""


@pytest.mark.gpu
@pytest.mark.benchmark(group="train")
@pytest.mark.instance_type("g5.xlarge")
@pytest.mark.requires(gpu=1, memory=gpu_training_memory)
@pytest.mark.parametrize("bins", [255, 63])
def test_train_gpu(benchmark: BenchmarkFixture, problem: Problem, workload: Workload, bins: int) -> None:
    count = thread_count("vcpus")
    cpu = {**parameters("regularized", workload.classes, count), "max_bin": bins}
    params = {**cpu, "device_type": "gpu"}
    device = opencl_device(problem, params)
    clock = PhaseClock()
    measured = measure(
        benchmark,
        workload,
        count,
        params,
        lambda: train(problem, params, workload.boosting_rounds, clock),
        before=clock.__init__,  # type: ignore[misc]  # back to zero before each round
        phases=clock.phases,
    )
    record_throughput(benchmark, measured, workload.row_trees)
    quality = judge(measured.result, problem, count)
    record_quality(benchmark, quality)
    benchmark.extra_info.update(opencl_device=device)
    assert measured.result.num_trees() == workload.classes * workload.boosting_rounds
    assert math.isfinite(quality.log_loss)
    if workload.timed_rounds > 1:  # where a training is minutes, the CPU's is a run of its own
        own = judge(bare_train(problem, cpu, workload.boosting_rounds), problem, count)
        benchmark.extra_info.update(cpu_validation_log_loss=own.log_loss)
        assert quality.log_loss == pytest.approx(own.log_loss, rel=CLOSE)


def opencl_device(problem: Problem, params: dict[str, Any]) -> str:
    """The name of the device that LightGBM trains on, by a round on a few rows; skips the test where there is none."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            warm_up(problem, {**params, "verbosity": 1})
    except lgb.basic.LightGBMError as error:
        if not str(error).startswith(NO_DEVICE):
            raise
        pytest.skip(
            f"LightGBM cannot train on a GPU here: {error} (it needs a GPU's driver with OpenCL, or for tests PoCL: "
            "apt-get install pocl-opencl-icd)"
        )
    used = _USED.search(said.getvalue())
    return used[1] if used else "not told"

"""A GPU type by the real command line, on embedded AWS, whose GPUs are made up."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

from tests.acceptance.awsproject import Done, environment, make_project, pytest_aws
from tests.aws.tenant import needs_a_launch

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

TYPE, GPU = ("g5g.xlarge", "T4g") if platform.machine() in {"aarch64", "arm64"} else ("g5.xlarge", "A10G")
PROJECT = {
    "test_it.py": f"""\
import pytest

@pytest.mark.instance_type("{TYPE}", "m5.large")
@pytest.mark.requires(gpu=1)
def test_it(benchmark):
    benchmark.pedantic(int, rounds=3)
""",
    "pytest.ini": "[pytest]\n",
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run on a GPU type, and on one without a GPU, which is a misfit."""
    root = make_project(tmp_path_factory.mktemp("gpu") / "project", PROJECT)
    return pytest_aws(root, "--aws", "--aws-target=embedded", "--aws-misfit=skip", "--benchmark-autosave", "-rs")


@needs_a_launch
def test_a_gpu_type_runs_what_asks_for_a_gpu(ran: Done) -> None:
    """The other type is skipped with the reason; the guest has waited for the driver."""
    assert ran.code == 0, ran.text
    assert "1 passed, 1 skipped" in ran.out
    assert "needs 1 GPU, m5.large has 0" in ran.out


@needs_a_launch
def test_the_result_says_which_gpu_it_was(ran: Done) -> None:
    """Name, memory, driver and CUDA; and how long the driver was waited for."""
    (data,) = ran.saved(f"embedded-{TYPE}")
    gpu = data["machine_info"]["gpu"]
    assert (gpu["name"], gpu["count"]) == (f"NVIDIA {GPU} (embedded)", 1)
    assert gpu["memory_bytes"] > 2**33
    assert (gpu["driver"], gpu["cuda"]) == ("595.71.05", "13.2")
    phases = list(data["machine_info"]["phases"])
    assert phases[: phases.index("upload")] == ["fetch", "install", "driver", "wait", "run"]


@needs_a_launch
def test_compare_shows_it(ran: Done) -> None:
    """By default its name, by columns the rest; and it is filtered by."""
    files = [str(path) for path in (ran.root / ".benchmarks").rglob("*.json")]

    def compare(*words: str) -> str:
        command = [sys.executable, "-m", "pytest_benchmark_aws.cli", "compare", *files, *words]
        return subprocess.run(
            command, cwd=ran.root, env=environment(), capture_output=True, text=True, timeout=60, check=True
        ).stdout

    assert f"NVIDIA {GPU} (embedded)" in compare()
    assert "GPU memory" in compare("--columns=machine,gpu,gpus,gpu-memory,gpu-driver,cuda")
    (section,) = json.loads(compare("--format=json", "--filter=gpus>=1", "--filter=gpu=*embedded*"))["sections"]
    (row,) = section["rows"]
    assert (row["gpus"], row["gpu-driver"], row["cuda"]) == (1, "595.71.05", "13.2")

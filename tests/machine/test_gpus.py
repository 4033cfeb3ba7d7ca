"""GPUs as nvidia-smi tells them, and as it does not."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.embedded.guests import nvidia_smi
from pytest_benchmark_aws.machine import gpus
from pytest_benchmark_aws.machine.gpus import Gpus, read_gpus
from pytest_benchmark_aws.session import here

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], str]:
    """Makes a command of a shell script; returns its path."""

    def make(script: str) -> str:
        path = tmp_path / "nvidia-smi"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return make


def answering(rows: str, head: str = "") -> str:
    """A script that answers the query with rows, and without one with the table's head."""
    return f"if [ $# -gt 0 ]; then cat <<'E'\n{rows}\nE\nelse cat <<'E'\n{head}\nE\nfi"


HEAD = "| NVIDIA-SMI 595.71.05    Driver Version: 595.71.05    CUDA Version: 13.2     |"


def test_a_gpu_is_told_with_memory_driver_and_cuda(command: Callable[[str], str]) -> None:
    """As a g5.xlarge shows it."""
    path = command(answering("NVIDIA A10G, 23028, 595.71.05", HEAD))
    assert read_gpus(path) == Gpus("NVIDIA A10G", 1, 23028 * 2**20, "595.71.05", "13.2")


def test_several_gpus_are_one_line(command: Callable[[str], str]) -> None:
    """Of different kinds all names, and the least memory."""
    path = command(answering("NVIDIA A100, 81920, 595.1\nNVIDIA H100, 40960, 595.1", HEAD.replace("CUDA", "CUDA UMD")))
    assert read_gpus(path) == Gpus("NVIDIA A100 and NVIDIA H100", 2, 40960 * 2**20, "595.1", "13.2")


def test_what_is_not_told_is_not_known(command: Callable[[str], str]) -> None:
    """As GPUs with memory that is the machine's own, and a head in other words."""
    assert read_gpus(command(answering("NVIDIA GB10, [N/A], [N/A]", "?"))) == Gpus("NVIDIA GB10", 1, None, None, None)


def test_the_embedded_command_is_understood(command: Callable[[str], str]) -> None:
    """And says that it is made up."""
    tool = Path(nvidia_smi.__file__)
    path = command(f'exec {sys.executable} -I -S {tool} 0 4 L4 23034 "$@"')
    assert read_gpus(path) == Gpus("NVIDIA L4 (embedded)", 4, 23034 * 2**20, nvidia_smi.DRIVER, nvidia_smi.CUDA)
    late = command(f'exec {sys.executable} -I -S {tool} {time.time() + 60} 4 L4 23034 "$@"')
    assert read_gpus(late) is None


@pytest.mark.parametrize(
    "script",
    [
        "exit 9",
        "echo 'NVIDIA-SMI has failed'",
        "true",
        "echo ', , '",
        "kill -9 $$",
        "printf '\\377\\376'",
        "yes a, 1, 2",
    ],
)
def test_no_answer_is_no_gpu(command: Callable[[str], str], script: str) -> None:
    """A driver that does not answer, other words, an end of its own, words without end: nothing, and no error."""
    assert read_gpus(command(script)) is None


def test_a_command_that_hangs_is_killed(command: Callable[[str], str]) -> None:
    """Even where what it started keeps its output open."""
    started = time.monotonic()
    assert read_gpus(command("sleep 30"), seconds=0.2) is None
    assert time.monotonic() - started < 10


def test_names_are_bounded_and_printable(command: Callable[[str], str]) -> None:
    """They go to a terminal and into every file."""
    found = read_gpus(command(answering("A\x1b[31m" + "x" * 500 + ", 1, 1.2", HEAD)))
    assert found is not None
    assert found.name.isprintable()
    assert len(found.name) <= 80


@given(st.text(max_size=300))
def test_any_line_is_cells_or_nothing(text: str) -> None:
    """No text is an error."""
    cells = gpus._cells(text)
    assert cells is None or cells[0].isprintable()


def test_without_the_command_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without NVIDIA's driver pays for a look at PATH."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(gpus.subprocess, "Popen", None)
    assert read_gpus() is None


@pytest.mark.parametrize("found", [None, Gpus("NVIDIA L4", 1, 2**34, "595.1", "13.2")])
def test_machine_info_has_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch, found: Gpus | None) -> None:
    """And no word of one elsewhere, so that files of before are still of the same machine."""
    monkeypatch.setattr(gpus, "this_machines_gpus", lambda: found)
    info: dict[str, Any] = {}
    here.describe_machine(info)
    assert info.get("gpu") == (None if found is None else found.as_dict())
    assert ("gpu" in info) is (found is not None)

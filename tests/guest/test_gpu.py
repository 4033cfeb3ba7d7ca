"""The wait for NVIDIA's driver: bounded, and none where there is no GPU."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.guest import gpu
from pytest_benchmark_aws.guest.s3 import AgentError
from tests.guest.test_launch import outcome_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.guest.conftest import Launch

SHOWS_TWO = 'echo "GPU 0: NVIDIA A10G (UUID: GPU-1)"\necho "GPU 1: NVIDIA A10G (UUID: GPU-2)"'
FAILS = 'echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."\nexit 9'


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that commands are looked for in."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits, which are noted and pass at once."""
    noted: list[float] = []
    quick = SimpleNamespace(monotonic=lambda: time.monotonic() + sum(noted), sleep=noted.append)
    monkeypatch.setattr(gpu, "time", quick)
    return noted


def nvidia_smi(folder: Path, script: str) -> None:
    """Makes the command."""
    command = folder / "nvidia-smi"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)


def test_without_a_gpu_nothing_is_asked(launch: Launch, path: Path) -> None:
    """The command is not even looked for, and no phase is entered; of a job of an older client too."""
    nvidia_smi(path, f"touch {path}/asked")
    for count in ({}, {"gpus": 0}):
        launch.job.update(count)
        here = launch.on_the_instance()
        gpu.wait_for_driver(here)
        assert here.phase == "boot"
    assert not (path / "asked").exists()


def test_a_driver_that_answers_is_not_waited_for(launch: Launch, path: Path, slept: list[float]) -> None:
    """One question."""
    launch.job["gpus"] = 2
    nvidia_smi(path, SHOWS_TWO)
    here = launch.on_the_instance()
    gpu.wait_for_driver(here)
    assert (here.phase, slept) == ("driver", [])


def test_a_driver_that_comes_is_waited_for(launch: Launch, path: Path, slept: list[float]) -> None:
    """It fails, then shows one of two GPUs, then both."""
    launch.job["gpus"] = 2
    two = SHOWS_TWO.replace("\n", "; ")
    nvidia_smi(
        path,
        f"echo x >> {path}/asked\ncase $(wc -l < {path}/asked) in 1) exit 9;; 2) echo GPU 0: A10G;; *) {two};; esac",
    )
    gpu.wait_for_driver(launch.on_the_instance())
    assert len(slept) == 2


def test_a_driver_that_never_comes_is_told_with_its_last_words(
    launch: Launch, path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome of the launch has them, after five minutes at most; no test was run."""
    launch.job["gpus"] = 1
    launch.tests("def test_it(): pass\n")
    nvidia_smi(path, FAILS)
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    outcome = outcome_of(launch, monkeypatch)["outcome"]
    assert outcome == (
        "error: the NVIDIA driver was not ready within 300 s, 0 of 1 GPU listed; the last words of nvidia-smi (exit "
        "code 9): NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
    )
    assert 290 <= sum(slept) <= 300


def test_the_launchs_time_is_not_exceeded(launch: Launch, path: Path, slept: list[float]) -> None:
    """With a minute left it waits no longer."""
    launch.job.update(gpus=1, time_limit_s=60)
    nvidia_smi(path, FAILS)
    with pytest.raises(AgentError, match="not ready within 60 s"):
        gpu.wait_for_driver(launch.on_the_instance())
    assert sum(slept) <= 60


def test_an_image_without_the_command_is_told_at_once(
    launch: Launch, path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no image for GPUs."""
    monkeypatch.setenv("PATH", str(path))
    launch.job["gpus"] = 4
    with pytest.raises(AgentError, match=r"has 4 GPU and its image no nvidia-smi.*--aws-ami"):
        gpu.wait_for_driver(launch.on_the_instance())
    assert slept == []


def test_words_without_end_are_cut(launch: Launch, path: Path, slept: list[float]) -> None:
    """The outcome is a line."""
    launch.job["gpus"] = 1
    nvidia_smi(path, f"{sys.executable} -c \"print('x ' * 9999)\"; exit 1")
    slept.append(299.0)
    launch.job["time_limit_s"] = 1
    with pytest.raises(AgentError) as error:
        gpu.wait_for_driver(launch.on_the_instance())
    assert len(str(error.value)) < 700

"""User data runs as a local process, and nothing of it outlives its instance."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.embedded.conftest import World

STUBBORN = "#!/bin/bash\ntrap '' TERM\nsetsid sh -c \"trap '' TERM; echo child \\$\\$; sleep 600\" &\nwait\nsleep 600\n"
"""Ignores SIGTERM, and has a child in a session of its own that does too."""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def stubborn(world: World) -> tuple[str, list[int]]:
    """A stubborn instance and the ids of its processes."""
    instance = world.launch(STUBBORN)
    line = next(line for line in world.wait_for_line(instance, "child ").splitlines() if line.startswith("child "))
    pids = [world.record(instance)["pid"], int(line.split()[1])]
    assert all(alive(pid) for pid in pids)
    return instance, pids


def test_user_data_runs_in_a_clean_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest sees its own variables and none of the host's."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-host's")
    instance = world.launch("#!/bin/sh\nenv -0 | tr '\\0' '\\n' | sort\npwd\necho all\n")
    lines = world.wait_for_line(instance, "all").splitlines()
    directory = Path(world.record(instance)["directory"])
    assert f"HOME={directory}/root" in lines
    assert f"TMPDIR={directory}/tmp" in lines
    assert f"PYTEST_BENCHMARK_AWS_ROOT={directory}/work" in lines
    assert f"PYTEST_BENCHMARK_AWS_TURN={world.aws.root}/turn.lock" in lines
    assert f"{directory}/root" in lines
    shells_own = {"PWD", "SHLVL", "_", "OLDPWD"}
    names = {line.partition("=")[0] for line in lines if "=" in line} - shells_own
    guests = {"PYTEST_BENCHMARK_AWS_ROOT", "PYTEST_BENCHMARK_AWS_TURN", "AWS_EC2_METADATA_SERVICE_ENDPOINT"}
    assert names == {"HOME", "TMPDIR", "PATH", "LANG"} | guests


def test_shebang_decides(world: World) -> None:
    """User data may be a Python script."""
    instance = world.launch("#!/usr/bin/env python3\nimport sys\nprint('minor', sys.version_info.minor)\n")
    assert f"minor {sys.version_info.minor}" in world.wait_for_line(instance, "minor")


def test_user_data_without_shebang_is_not_run(world: World) -> None:
    """As cloud-init says on the console."""
    world.wait_for_line(world.launch("echo ran"), "unhandled non-multipart")


def test_console_holds_both_streams(world: World) -> None:
    """GetConsoleOutput answers standard output and standard error."""
    instance = world.launch("#!/bin/sh\necho out\necho err >&2\n")
    assert "out" in world.wait_for_line(instance, "err")


def test_instance_outlives_its_user_data(world: World) -> None:
    """A script that ends does not end its instance."""
    instance = world.launch("#!/bin/sh\nexit 3\n")
    wait_until(lambda: world.record(instance)["exit_status"] == 3)
    assert world.state(instance) == "running"


def test_poweroff_ends_the_instance(world: World) -> None:
    """The guest's own poweroff terminates, and nothing runs after it."""
    instance = world.launch("#!/bin/bash\npoweroff\nsleep 60\necho survived\n")
    world.wait_for(instance, "terminated")
    assert "survived" not in world.console(instance)


@pytest.mark.parametrize("command", ["shutdown -P now", "shutdown -h now", "shutdown -P +1 'time limit'"])
def test_shutdown_ends_the_instance(world: World, command: str) -> None:
    """It acts at once, or when its minutes are over."""
    world.wait_for(world.launch(f"#!/bin/sh\n{command}\n"), "terminated")


def test_shutdown_can_be_cancelled(world: World) -> None:
    """With -c it disarms the timer."""
    instance = world.launch("#!/bin/sh\nshutdown -P +100000 limit\necho armed\nread x < gate\nshutdown -c\necho free\n")
    gate = Path(world.record(instance)["directory"]) / "root" / "gate"
    world.wait_for(instance, "running")
    os.mkfifo(gate)
    world.wait_for_line(instance, "armed")
    assert world.record(instance)["shutdown_armed"]
    gate.write_text("go\n")
    world.wait_for_line(instance, "free")
    assert not world.record(instance)["shutdown_armed"]


def test_halt_leaves_the_instance_running(world: World) -> None:
    """After halt nothing runs on an instance that costs on."""
    instance = world.launch("#!/bin/bash\nhalt\nsleep 60\n")
    wait_until(lambda: world.record(instance)["exit_status"] is not None)
    assert world.state(instance) == "running"


@pytest.mark.parametrize("command", ["reboot", "systemctl restart sshd", "shutdown -r now"])
def test_host_is_out_of_reach(world: World, command: str) -> None:
    """What would act on the host's system is refused."""
    world.wait_for_line(world.launch(f"#!/bin/sh\n{command} || echo refused\n"), "refused")


def test_dnf_installs_a_python_that_the_host_has(world: World) -> None:
    """With dnf comes pythonX.Y, which makes virtual environments."""
    python = f"python3.{sys.version_info.minor}"
    script = (
        f"#!/bin/sh\ndnf install -y {python} {python}-pip libgomp\n{python} -m venv --without-pip v\nv/bin/python -V\n"
    )
    assert "Complete!" in world.wait_for_line(world.launch(script), f"Python 3.{sys.version_info.minor}")


def test_dnf_fails_for_what_there_is_not(world: World) -> None:
    """In dnf's words, with its exit status."""
    instance = world.launch("#!/bin/sh\ndnf install -y python3.99 || echo status $?\n")
    assert "No match for argument: python3.99" in world.wait_for_line(instance, "status 1")


def test_terminate_ends_all_processes(world: World) -> None:
    """TerminateInstances ends what ignores SIGTERM, and what hides in another session."""
    instance, pids = stubborn(world)
    world.ec2.terminate_instances(InstanceIds=[instance])
    world.wait_for(instance, "terminated")
    assert not any(alive(pid) for pid in pids)


def test_guest_hears_sigterm_first(world: World) -> None:
    """A guest may end in order: it has its grace."""
    script = "#!/bin/bash\ntrap 'echo in order; exit 0' TERM\necho ready\nwhile :; do sleep 0.02; done\n"
    instance = world.launch(script)
    world.wait_for_line(instance, "ready")
    world.ec2.terminate_instances(InstanceIds=[instance])
    world.wait_for(instance, "terminated")
    assert "in order" in world.console(instance)


def test_stop_leaves_no_process(world: World) -> None:
    """Whatever a guest does about it, it does not outlive the embedded AWS."""
    _, pids = stubborn(world)
    world.aws.stop()
    assert not any(alive(pid) for pid in pids)

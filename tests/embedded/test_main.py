"""``python -m pytest_benchmark_aws.embedded``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.embedded.control_client import control
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


class Command:
    """A running command and what it printed."""

    def __init__(self, temporary: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest_benchmark_aws.embedded", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(temporary)},
        )
        assert self.process.stdout is not None
        self.values: dict[str, str] = {}
        for line in self.process.stdout:
            if line.startswith("#"):
                assert line == "# embedded AWS is ready\n"
                break
            name, _, value = line.rstrip("\n").partition("=")
            self.values[name] = value

    def end(self) -> tuple[int, str]:
        """Exit status and standard error."""
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors

    def launch_sleeper(self) -> int:
        """Launch an instance that sleeps; its process."""
        import boto3

        options = {
            "endpoint_url": self.values["AWS_ENDPOINT_URL"],
            "region_name": self.values["AWS_REGION"],
            "aws_access_key_id": self.values["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": self.values["AWS_SECRET_ACCESS_KEY"],
        }
        name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
        image = boto3.client("ssm", **options).get_parameter(Name=name)["Parameter"]["Value"]
        script = "#!/bin/sh\ntrap '' TERM\nsleep 600\n"
        boto3.client("ec2", **options).run_instances(
            ImageId=image, MinCount=1, MaxCount=1, InstanceType="m5.large", UserData=script
        )
        return wait_until(lambda: control(self.values, "instances")[0]["pid"])


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the command makes its own root."""
    pytest.importorskip("moto", reason="the embedded AWS needs moto")
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


@pytest.fixture
def command(temporary: Path) -> Iterator[Command]:
    """A running command that ends with its input, as a last resort killed."""
    running = Command(temporary, "--watch-stdin", "--state-delay", "0.05")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate()


def test_prints_the_environment(command: Command) -> None:
    """Each line is a variable, the last says that it is ready."""
    assert set(command.values) == {
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    }
    assert command.values["AWS_REGION"] == "us-east-1"


@pytest.mark.parametrize("how", ["end of input", "SIGTERM", "SIGINT"])
def test_ends_with_its_guests_and_its_root(command: Command, temporary: Path, how: str) -> None:
    """Told to end, it ends its guests, removes the root that it made, and says nothing."""
    pid = command.launch_sleeper()
    assert [path.name.startswith("embedded-aws-") for path in temporary.iterdir()] == [True]
    if how != "end of input":
        command.process.send_signal(getattr(signal, how))
    assert command.end() == (0, "")
    assert not Path(f"/proc/{pid}").exists()
    assert list(temporary.iterdir()) == []


def runs(pid: int) -> bool:
    """Whether a process is there that is more than a number that nobody has asked for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_k14_its_guests_end_where_it_is_killed(command: Command, temporary: Path) -> None:
    """Nobody is left to tell them, and they would measure on; its root goes too."""
    pid = command.launch_sleeper()
    command.process.kill()
    command.process.communicate(timeout=30)
    wait_until(lambda: not runs(pid))
    wait_until(lambda: list(temporary.iterdir()) == [])


def test_a_quick_end_does_not_wait_until_the_root_is_removed(temporary: Path) -> None:
    """The process and its guests are gone while the guardian has yet to remove what is on the disk, and then ends."""
    running = Command(temporary, "--watch-stdin", "--quick-end", "--state-delay", "0.05")
    (guardian,) = map(int, Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split())
    guest = running.launch_sleeper()
    os.kill(guardian, signal.SIGSTOP)
    try:
        assert running.end() == (0, "")
        assert not runs(guest)
        assert len(list(temporary.iterdir())) == 1
    finally:
        os.kill(guardian, signal.SIGCONT)
    wait_until(lambda: not runs(guardian))
    assert list(temporary.iterdir()) == []


def test_given_root_is_kept(temporary: Path) -> None:
    """A root that was given stays, with the consoles."""
    root = temporary / "mine"
    running = Command(temporary, "--watch-stdin", "--state-delay", "0.05", "--root", str(root))
    running.launch_sleeper()
    assert running.end()[0] == 0
    assert len(list(root.glob("instances/*/console.log"))) == 1

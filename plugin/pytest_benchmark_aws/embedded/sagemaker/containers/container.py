"""The container of one host of a training job: a process, with ``/opt/ml`` as SageMaker lays it out.

No namespace is made: in the command and in the environment the prefix ``/opt/ml`` stands for a folder of the job. Where
no handler of its own takes SIGTERM the process ends by it, as the first process of a real container does not.

The layout is the SageMaker guide's: "How Amazon SageMaker AI Provides Training Information" and "How Amazon SageMaker
AI Processes Training Output".
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.guests.commands import COMMANDS
from pytest_benchmark_aws.embedded.guests.machine import Machine, host_python, write_command
from pytest_benchmark_aws.embedded.sagemaker.job import REASON_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OPT_ML_VARIABLE = "PYTEST_BENCHMARK_AWS_OPT_ML"
_OPT_ML = re.compile(r"(?<![\w./-])/opt/ml(?![\w.-])")
_GROUP = "homogeneousCluster"
"""The name of the one group of a job whose instances are all of one type (SageMaker guide, as above)."""


class Container(Machine):
    """The processes of one host, ``algo-1`` and so on."""

    def __init__(
        self, directory: Path, turn: Path, endpoint: str, variables: Mapping[str, str], guests: Mapping[str, str]
    ) -> None:
        super().__init__(directory, turn, endpoint, guests)
        self.host = directory.name
        self.opt_ml = directory / "opt-ml"
        self._variables = variables
        self.started_at = 0
        """When its entrypoint was run, in seconds since 1970: the name of its log stream ends with it."""
        self.shipped = 0
        """Bytes of the console that are in CloudWatch Logs."""

    @property
    def credentials_url(self) -> str:
        """Where its processes get the execution role's credentials."""
        return f"{self.endpoint}/_embedded/container-credentials/{self.token}"

    def environment(self) -> dict[str, str]:
        """A machine's, the job's, and where the role's credentials are, on AWS at ECS's address."""
        return {
            **{name: self.inside(value) for name, value in self._variables.items()},
            **super().environment(),
            OPT_ML_VARIABLE: str(self.opt_ml),
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.credentials_url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def inside(self, text: str) -> str:
        """A text in which ``/opt/ml`` is the folder that stands for it."""
        return _OPT_ML.sub(lambda _: str(self.opt_ml), text)

    def lay_out(self, request: Mapping[str, Any], hosts: list[str]) -> None:
        """Makes ``/opt/ml`` for a CreateTrainingJob request, but for the channels' data."""
        self.make_folders()
        for name in ("input/config", "input/data", "output/data", "model", "checkpoints"):
            (self.opt_ml / name).mkdir(parents=True, exist_ok=True)
        write_command(self.directory / "bin" / "python3", [host_python()])
        for name in COMMANDS:  # a container may be root here, and has none of them
            write_command(self.directory / "bin" / name, ["sh", "-c", f"echo {name}: command not found >&2; exit 127"])
        instance_type = request["ResourceConfig"]["InstanceType"]
        documents = {
            "hyperparameters": request.get("HyperParameters", {}),
            "inputdataconfig": {
                channel["ChannelName"]: {
                    "TrainingInputMode": channel.get("InputMode")
                    or request["AlgorithmSpecification"]["TrainingInputMode"],
                    "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                        "S3DataDistributionType", "FullyReplicated"
                    ),
                    "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                }
                for channel in request.get("InputDataConfig", ())
            },
            "resourceconfig": {
                "current_host": self.host,
                "current_instance_type": instance_type,
                "current_group_name": _GROUP,
                "hosts": hosts,
                "instance_groups": [
                    {"instance_group_name": _GROUP, "instance_type": instance_type, "hosts": hosts},
                ],
                "network_interface_name": "lo",  # every host is this machine
            },
        }
        for name, document in documents.items():
            path = self.opt_ml / "input" / "config" / f"{name}.json"
            path.write_text(json.dumps(document), encoding="utf-8")

    def start(self, command: list[str]) -> None:
        """Runs the entrypoint with its arguments.

        Raises:
            OSError: there is no such program.
        """
        self.started_at = int(time.time())
        words = [self.inside(word) for word in command]
        own = self.directory / "bin" / words[0]
        # Looked for where the container looks, and not where this process does.
        self.run([str(own) if "/" not in words[0] and own.exists() else words[0], *words[1:]])

    def terminate(self) -> None:
        """Sends SIGTERM to the entrypoint alone, as ``docker stop`` does.

        SageMaker guide, "How Amazon SageMaker Runs Your Training Image".
        """
        if self.pid is not None and self.exit_status is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill_entrypoint(self) -> None:
        """Sends SIGKILL to the entrypoint, as the kernel does to one that takes too much memory."""
        if self.pid is not None and self.exit_status is None:
            os.kill(self.pid, signal.SIGKILL)

    def failure(self) -> str:
        """What the entrypoint wrote to output/failure, to the length that is shown; empty where it wrote none."""
        try:
            with (self.opt_ml / "output" / "failure").open(encoding="utf-8", errors="replace") as file:
                return file.read(REASON_CHARACTERS)
        except OSError:
            return ""

    def new_lines(self, *, all_of_it: bool) -> list[dict[str, Any]]:
        """What the processes printed since the last call, as log events; with ``all_of_it`` an unfinished line too."""
        try:
            with self.console_path.open("rb") as file:
                file.seek(self.shipped)
                text = file.read(_MOST_BYTES)
        except OSError:
            return []
        end = len(text) if all_of_it else text.rfind(b"\n") + 1
        if end == 0 and len(text) == _MOST_BYTES:
            end = len(text)
        self.shipped += end
        now = int(time.time() * 1000)
        lines = text[:end].decode(errors="replace").splitlines()
        # CloudWatch Logs takes no empty message.
        return [{"timestamp": now, "message": line} for line in lines if line]


_MOST_BYTES = 256 * 1024
"""Of the console in one call: PutLogEvents takes 1 MiB, to which each event adds 26 bytes (its API reference)."""

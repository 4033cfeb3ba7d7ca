"""Which machine of a group this is: who leads, how many there are, and where the others reach it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..instance_metadata import MetadataService
from ..s3 import AgentError

OPT_ML = "PYTEST_BENCHMARK_AWS_OPT_ML"
"""Environment variable of the folder that is a training job's ``/opt/ml``: on embedded AWS alone."""
_ATTEMPTS = 10


class Place(NamedTuple):
    """A machine's place in its group."""

    rank: int
    """0 leads: it has the scheduler, and runs pytest."""
    machines: int
    address: str
    """By which the others reach it."""

    @property
    def leads(self) -> bool:
        """Whether it is the first."""
        return self.rank == 0

    def __str__(self) -> str:
        """For logs and outcomes."""
        return f"machine {self.rank + 1} of {self.machines}"


def find_place(count: int) -> Place:
    """This machine's place among ``count``: of a training job by its resource configuration, else by EC2's metadata.

    Raises:
        AgentError: neither says.
    """
    config = Path(os.environ.get(OPT_ML, "/opt/ml")) / "input" / "config" / "resourceconfig.json"
    last: Exception | None = None
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(min(2**attempt, 10))
        try:
            if config.is_file():
                return of_training_job(json.loads(config.read_text(encoding="utf-8")), embedded=OPT_ML in os.environ)
            return of_instance(MetadataService(), count)
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            last = error
    raise AgentError(f"which of the {count} machines of its group this is cannot be found out: {last!r}")


def of_instance(metadata: MetadataService, count: int) -> Place:
    """By the launch index and the private address.

    The index numbers the instances of one RunInstances from 0 (EC2 user guide, "Instance metadata categories").

    Raises:
        OSError: the metadata service does not answer.
        ValueError: it says something else.
    """
    index = int(metadata.read("meta-data/ami-launch-index"))
    return Place(index, count, metadata.read("meta-data/local-ipv4").strip())


def of_training_job(config: dict[str, Any], *, embedded: bool = False) -> Place:
    """By ``resourceconfig.json``: the first of its hosts leads.

    SageMaker developer guide, "How Amazon SageMaker AI provides training information". Hosts know each other by these
    names; on embedded AWS all are this machine.

    Raises:
        OSError: the host's name has no address yet.
        KeyError, ValueError: it is no such configuration.
    """
    hosts = sorted(config["hosts"], key=lambda name: (len(name), name))  # algo-2 before algo-10
    own = config["current_host"]
    return Place(hosts.index(own), len(hosts), "127.0.0.1" if embedded else socket.gethostbyname(own))

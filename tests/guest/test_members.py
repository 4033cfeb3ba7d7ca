"""Who leads a group and who its members are, by EC2's metadata and by SageMaker's resource configuration."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.guest.group import members
from pytest_benchmark_aws.guest.group.members import Place, find_place, of_instance, of_training_job
from pytest_benchmark_aws.guest.s3 import AgentError

if TYPE_CHECKING:
    from pathlib import Path


class Metadata:
    """What a metadata service says."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def read(self, path: str) -> str:
        return self.texts[path.rpartition("/")[2].replace("-", "_")]


def test_an_instance_is_numbered_by_its_launch_index() -> None:
    """The first leads."""
    metadata: Any = Metadata(ami_launch_index="0", local_ipv4="10.0.0.7\n")
    assert of_instance(metadata, 3) == Place(0, 3, "10.0.0.7")
    assert of_instance(metadata, 3).leads
    metadata = Metadata(ami_launch_index="2", local_ipv4="10.0.0.9")
    assert str(of_instance(metadata, 3)) == "machine 3 of 3"
    assert not of_instance(metadata, 3).leads


def test_a_training_jobs_hosts_are_numbered_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """``algo-1`` leads, in whatever order they are named; each knows the others by these names."""
    monkeypatch.setattr(socket, "gethostbyname", {"algo-1": "10.0.0.1", "algo-10": "10.0.0.10"}.__getitem__)
    hosts = [f"algo-{n}" for n in range(10, 0, -1)]
    assert of_training_job({"current_host": "algo-1", "hosts": hosts}) == Place(0, 10, "10.0.0.1")
    assert of_training_job({"current_host": "algo-10", "hosts": hosts}) == Place(9, 10, "10.0.0.10")
    assert of_training_job({"current_host": "algo-2", "hosts": hosts}, embedded=True) == Place(1, 10, "127.0.0.1")


def test_a_resource_configuration_is_read_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On embedded AWS the job's folder is named by a variable, and all hosts are this machine."""
    monkeypatch.setenv(members.OPT_ML, str(tmp_path))
    path = tmp_path / "input" / "config" / "resourceconfig.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}))
    assert find_place(2) == Place(1, 2, "127.0.0.1")


def test_what_cannot_be_found_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some attempts, as a machine that does not know its place must not lead."""
    monkeypatch.setenv(members.OPT_ML, str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(members.time, "sleep", lambda _: None)
    with pytest.raises(AgentError, match="which of the 2 machines of its group this is cannot be found out"):
        find_place(2)

"""The GPU of a machine, by what its result says or, where that says nothing, by the catalog."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.compare.machine_info import MachineInfo, machine_of

A10G = {"name": "NVIDIA A10G", "count": 1, "memory_bytes": 23028 * 2**20, "driver": "595.71.05", "cuda": "13.2"}


def machine(instance_type: str | None, gpu: Any = None) -> MachineInfo:
    """The machine of a result."""
    info = {} if gpu is None else {"gpu": gpu}
    return machine_of(info, {"instance_type": instance_type}, catalog())


def gpu_of(info: MachineInfo) -> tuple[str | None, int | None, int | None, str | None, str | None]:
    """All that is known of the GPUs."""
    return info.gpu, info.gpus, info.gpu_memory_bytes, info.gpu_driver, info.cuda


def test_a_gpu_is_what_its_driver_said() -> None:
    """On an instance and on a machine that has no type."""
    for instance_type in ("g5.xlarge", None):
        assert gpu_of(machine(instance_type, A10G)) == ("NVIDIA A10G", 1, 23028 * 2**20, "595.71.05", "13.2")


def test_without_a_word_of_it_the_catalog_tells() -> None:
    """Of older results too, as those with the note's ml.p3 types."""
    assert gpu_of(machine("p3.8xlarge")) == ("V100", 4, None, None, None)
    assert gpu_of(machine("ml.p3.2xlarge")) == ("V100", 1, None, None, None)


@pytest.mark.parametrize("name", ["m5.large", None, "x9.unknown", "g6f.large"])
def test_what_has_no_gpu_has_blanks(name: str | None) -> None:
    """And so no column in a table."""
    assert gpu_of(machine(name)) == (None, None, None, None, None)


@pytest.mark.parametrize("gpu", [[], "A10G", {"name": 7, "count": "many", "memory_bytes": -1.5, "driver": {}}, {}])
def test_what_is_no_gpu_is_none(gpu: Any) -> None:
    """Files are anybody's."""
    assert gpu_of(machine("m5.large", gpu)) == (None, None, None, None, None)

"""The shipped table of GPUs is what EC2 says of them."""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path

import pytest

from pytest_benchmark_aws.catalog import gpus
from pytest_benchmark_aws.catalog.snapshot import catalog


def test_the_catalog_names_the_same_gpus() -> None:
    """Of each type that the catalog describes: as many GPUs, of the same name; no type is without."""
    described = {row.name: (row.gpu, row.gpus) for row in catalog().types.values() if row.gpu}
    assert described == {
        name: (has.name, has.count) for name, has in gpus.by_type().items() if name in described
    }  # fmt: skip
    assert described.keys() <= gpus.by_type().keys()


def test_the_memory_is_what_describe_instance_types_answers() -> None:
    """Moto ships AWS's answers: of every NVIDIA type that it has the memory is the same."""
    found = importlib.util.find_spec("moto")
    if found is None or found.origin is None:
        pytest.skip("needs the extra [embedded]")
    path = Path(found.origin).parent / "ec2/resources/instance_types.json.gz"
    if not path.is_file():
        pytest.skip(f"this moto has no {path.name}")
    answers = json.loads(gzip.decompress(path.read_bytes()))
    for name, has in gpus.by_type().items():
        devices = answers.get(name, {}).get("GpuInfo", {}).get("Gpus")
        if devices:
            assert devices[0]["MemoryInfo"]["SizeInMiB"] == has.memory_mib, name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ml.p3.2xlarge", "1 x V100, 16 GiB"),
        ("ml.p3.8xlarge", "4 x V100, 16 GiB each"),
        ("ml.p3.16xlarge", "8 x V100, 16 GiB each"),
        ("ml.p2.xlarge", "1 x K80, 12 GiB"),
        ("ml.p2.8xlarge", "8 x K80, 12 GiB each"),
        ("ml.p2.16xlarge", "16 x K80, 12 GiB each"),
        ("g6f.large", "a part of L4, 2 GiB"),
    ],
)
def test_they_are_said_as_people_say_them(name: str, text: str) -> None:
    """SageMaker's types are EC2's."""
    assert str(gpus.of(name)) == text


def test_most_types_have_none() -> None:
    """None is no GPU."""
    assert gpus.of("m5.8xlarge") is None

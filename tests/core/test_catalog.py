"""Look-ups in the shipped catalog."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog.snapshot import catalog

NAMES = st.sampled_from(sorted(catalog().types))


@given(NAMES)
def test_every_type_is_found_by_its_name_and_as_sagemakers(name: str) -> None:
    """A known name finds itself; with SageMaker's prefix the same machine, of which the catalog knows no price."""
    own, sagemakers = catalog().find(name), catalog().find(f"ml.{name}")
    assert own is not None
    assert own.name == name
    assert sagemakers == replace(own, name=f"ml.{name}", usd_per_hour=None)


@given(NAMES)
def test_a_known_name_is_nearest_to_itself(name: str) -> None:
    """The first suggestion for a known name is that name."""
    assert catalog().nearest(name)[0] == name


@given(st.text(max_size=20))
def test_any_text_has_known_neighbours(text: str) -> None:
    """Whatever is asked for, what is suggested is known, and there are three of it."""
    names = catalog().nearest(text)
    assert len(set(names)) == 3
    assert all(catalog().find(name) for name in names)


def test_a_wrong_size_suggests_the_same_family() -> None:
    """For m5.9xlarge, the sizes of m5 are suggested."""
    assert all(name.startswith("m5.") for name in catalog().nearest("m5.9xlarge"))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("m5.9xlarge", ("m5.8xlarge", "m5.12xlarge", "m5.16xlarge")),
        ("ml.m5.9xlarge", ("ml.m5.8xlarge", "ml.m5.12xlarge", "ml.m5.16xlarge")),
        ("m5.48xlarge", ("m5.24xlarge", "m5.16xlarge", "m5.12xlarge")),
        ("t3.tiny", ("t3.nano", "t3.micro", "t3.medium")),
        ("M5.METL", ("m5.metal", "m5.large", "m5.xlarge")),
        ("m6.9xlarge", ("m6a.8xlarge", "m6g.8xlarge", "m6i.8xlarge")),
        ("m58xlarge", ("m5.8xlarge", "m5a.8xlarge", "m5d.8xlarge")),
    ],
)
def test_the_nearest_sizes_of_the_family_come_first(name: str, nearest: tuple[str, ...]) -> None:
    """By doublings where sizes have numbers, else by likeness; of no family, those of the families most like it."""
    assert catalog().nearest(name) == nearest


def test_the_published_experiments_machines_are_as_published() -> None:
    """The three machines have the vCPUs that the published experiment gives, and a price."""
    shapes = {name: catalog().types[name] for name in ("m5.8xlarge", "r5.4xlarge", "c5.24xlarge")}
    assert [machine.vcpus for machine in shapes.values()] == [32, 16, 96]
    assert [(machine.memory_bytes or 0) // 2**30 for machine in shapes.values()] == [128, 128, 192]
    assert shapes["m5.8xlarge"].usd_per_hour == Decimal("1.536")


def test_what_the_snapshot_does_not_know_is_none() -> None:
    """A blank cell is None, never zero."""
    unknown = [machine for machine in catalog().types.values() if machine.memory_bytes is None]
    assert all(machine.memory_bytes != 0 for machine in catalog().types.values())
    assert all(machine.vcpus is None for machine in unknown)


def test_an_unknown_name_is_not_found() -> None:
    """A name that is not in the catalog gives None."""
    assert catalog().find("m5.9xlarge") is None


@pytest.mark.parametrize("name", ["p3.2xlarge", "p2.xlarge"])
def test_gpu_types_have_gpus(name: str) -> None:
    """The GPU types of the note are known with their GPUs."""
    assert catalog().types[name].gpus >= 1

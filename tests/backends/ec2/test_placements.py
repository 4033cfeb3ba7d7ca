"""Where EC2 can launch a job, and whose doing an instance's end is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_benchmark_aws.aws.ec2 import Subnet
from pytest_benchmark_aws.backends.ec2.backend import Ec2Backend
from pytest_benchmark_aws.backends.ec2.errors import cause_of
from pytest_benchmark_aws.backends.ec2.launch_checks import Place
from pytest_benchmark_aws.backends.protocol import Placement, Site
from pytest_benchmark_aws.core.errors import CapacityError
from tests.run.fake_backend import make_job

SUBNETS = (Subnet("subnet-1", "zone-a", "vpc"), Subnet("subnet-2", "zone-b", "vpc"))


def backend(*zones: str, run: str = "run") -> Ec2Backend:
    """A backend whose m5.large is offered in these zones; it asks nothing."""
    site = Site(run, Path("folder"), None, None, 1.0)  # type: ignore[arg-type]
    return Ec2Backend(site, Place(SUBNETS, {"m5.large": frozenset(zones)}))


def test_there_is_a_placement_for_each_subnet_whose_zone_offers_the_type() -> None:
    """In the subnets' order; run, job, subnet and attempt decide the token, and nothing else does."""
    (only,) = backend("zone-b", "zone-c").placements(make_job(), 1)
    assert (only.zone, only.where, only.attempt) == ("zone-b", "subnet-2", 1)
    assert [placement.where for placement in backend("zone-a", "zone-b").placements(make_job(), 1)] == [
        "subnet-1", "subnet-2",
    ]  # fmt: skip
    others = [
        backend("zone-b").placements(make_job(), 2),
        backend("zone-b").placements(make_job(launch=2), 1),
        backend("zone-b", run="other").placements(make_job(), 1),
    ]
    assert len({only.token, *(other.token for (other,) in others)}) == 4


def test_a_type_that_no_zone_of_the_subnets_offers_has_no_capacity() -> None:
    """Said with its name."""
    with pytest.raises(CapacityError, match=r"m5\.large is offered in no zone of the subnets"):
        backend("zone-c").placements(make_job(), 1)


def test_a_placement_is_read_as_it_was_recorded() -> None:
    """By the names that journals have always had."""
    placement = Placement("token", "zone-a", "subnet-1", 3)
    assert placement.record() == {"token": "token", "zone": "zone-a", "subnet": "subnet-1", "attempt": 3}
    assert Placement.recorded({**placement.record(), "kind": "intent"}) == placement


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("Server.SpotInstanceTermination: taken back", "taken back"),
        ("spot: taken back soon", "taken back"),
        ("Server.InternalError: it died", "lost"),
        ("Client.UserInitiatedShutdown", ""),
        ("", ""),
    ],
)
def test_whose_doing_an_end_was(reason: str, cause: str) -> None:
    """By EC2's state reason, or the guest's outcome."""
    assert cause_of(reason) == cause

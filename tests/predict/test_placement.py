"""Where threads run on a machine."""

from __future__ import annotations

import pytest

from pytest_benchmark_aws.predict.threads.placement import Placement, Topology, place, placements

C5_METAL = Topology(sockets=2, cores_per_socket=24, threads_per_core=2)


def test_threads_fill_cores_then_sockets_then_second_threads() -> None:
    """As Linux numbers the CPUs of c5.metal: 0 to 23 are one socket's cores, 48 to 95 second threads."""
    assert (C5_METAL.cores, C5_METAL.vcpus) == (48, 96)
    assert place(24, C5_METAL) == Placement(24, 24, 1)
    assert place(25, C5_METAL) == Placement(25, 25, 2)
    assert place(96, C5_METAL) == Placement(96, 48, 2)
    assert place(96, C5_METAL).second_threads == 48


@pytest.mark.parametrize("threads", [0, 97])
def test_more_threads_than_vcpus_are_refused(threads: int) -> None:
    """The error says how many there are."""
    with pytest.raises(ValueError, match="1 to 96"):
        place(threads, C5_METAL)


def test_candidates_hold_the_sockets_the_cores_and_all() -> None:
    """Powers of two, one socket's cores with and without their second threads, all cores, all vCPUs."""
    each = placements(C5_METAL)
    assert [placement.threads for placement in each] == [1, 2, 4, 8, 16, 24, 32, 48, 48, 96]
    assert Placement(48, 24, 1) in each
    assert Placement(48, 48, 2) in each
    assert placements(Topology(1, 1, 1)) == [Placement(1, 1, 1)]


def test_a_placement_reads_well() -> None:
    """Cores are said where they differ from the threads, sockets where there are two."""
    texts = [str(Placement(*numbers)) for numbers in ((1, 1, 1), (48, 24, 1), (48, 48, 2), (2, 1, 1))]
    assert texts == ["1 thread", "48 threads on 24 cores", "48 threads of 2 sockets", "2 threads on 1 core"]


def test_what_cannot_be_is_refused() -> None:
    """More cores than threads, or sockets without a core."""
    with pytest.raises(ValueError, match="socket"):
        Placement(1, 2, 1)
    with pytest.raises(ValueError, match="socket"):
        Placement(2, 1, 2)

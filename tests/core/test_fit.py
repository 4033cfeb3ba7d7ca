"""Cases and machines that cannot hold them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.fit import misfits
from pytest_benchmark_aws.core.model import Machine, Requirements

GIB = 2**30


def test_too_little_memory_is_said_with_both_numbers() -> None:
    """The reason gives what is needed and what there is."""
    machine = Machine("this machine", 2, 24 * GIB, ("x86_64",), None)
    assert misfits(Requirements(memory_bytes=93 * GIB), machine) == (
        "needs ≈ 93 GiB of memory, this machine has 24 GiB",
    )


def test_every_reason_is_given() -> None:
    """A machine that lacks four things has four reasons."""
    machine = Machine("m5.large", 2, 8 * GIB, ("x86_64",), 0)
    assert len(misfits(Requirements(9 * GIB, 4, "arm64", 1), machine)) == 4


@given(st.builds(Requirements, st.none() | st.integers(0, 2**50), st.none() | st.integers(1, 512)))
def test_what_is_not_known_of_a_machine_is_no_reason(requirements: Requirements) -> None:
    """A machine of which nothing is known fits every case."""
    assert misfits(requirements, Machine("?", None, None, (), None)) == ()


@given(st.integers(0, 2**50), st.integers(0, 2**50))
def test_memory_fits_when_it_is_enough(need: int, have: int) -> None:
    """A case fits exactly when the machine has at least what it needs."""
    assert bool(misfits(Requirements(memory_bytes=need), Machine("m", 1, have, (), None))) == (need > have)

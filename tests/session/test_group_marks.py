"""``count`` of a marker: machines of a launch, one number or several."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.errors import MarkError
from pytest_benchmark_aws.session.expand import targets
from pytest_benchmark_aws.session.marks import MOST_COUNT, parse_instance_type
from tests.session.test_expand import given_settings


@pytest.mark.parametrize(("count", "counts"), [(1, (1,)), (4, (4,)), ((1, 4), (1, 4)), ([2, 1, 2], (2, 1))])
def test_counts_are_read(count: Any, counts: tuple[int, ...]) -> None:
    """Each once, in their order."""
    assert parse_instance_type(["m5.8xlarge"], {"count": count}, catalog()).counts == counts


@pytest.mark.parametrize("count", [0, -1, MOST_COUNT + 1, True, 2.0, "4", None, (), (1, 0), (1, "2")])
def test_what_is_no_count_is_refused(count: Any) -> None:
    """With what one is."""
    with pytest.raises(MarkError, match=f"a whole number of machines from 1 to {MOST_COUNT} is needed"):
        parse_instance_type(["m5.8xlarge"], {"count": count}, catalog())


def test_each_count_is_a_target(pytestconfig: pytest.Config) -> None:
    """In the order of types, counts and launches; the command line's types keep the marker's counts."""
    wanted = parse_instance_type(["m5.8xlarge"], {"count": (1, 4)}, catalog())
    made = targets(wanted, given_settings(pytestconfig, launches=2), catalog())
    assert [str(target) for target in made] == [
        "m5.8xlarge", "m5.8xlarge-launch2", "m5.8xlarge-x4", "m5.8xlarge-x4-launch2",
    ]  # fmt: skip
    made = targets(wanted, given_settings(pytestconfig, "c5.large"), catalog())
    assert [str(target) for target in made] == ["c5.large", "c5.large-x4"]

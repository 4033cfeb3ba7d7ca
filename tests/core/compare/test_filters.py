"""Which records are compared."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from pytest_benchmark_aws.core.compare.filters import all_of, parse_filter, parse_since
from pytest_benchmark_aws.core.errors import PlanError
from tests.core.compare.test_tables import launches, records

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
RECORDS = records(
    *launches("m5.large", 1.0, when="2026-11-20T00:00:00+00:00"),
    *launches("c5.4xlarge", 1.0, dirty=True, when="2026-11-24T11:30:00+02:00"),
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("machine=m5.*", ["m5.large"]),
        ("machine!=m5.*", ["c5.4xlarge"]),
        ("vcpus>=16", ["c5.4xlarge"]),
        ("vcpus < 16", ["m5.large"]),
        ("memory>=16GiB", ["c5.4xlarge"]),
        ("usd-hour<0.1", ["m5.large"]),
        ("dirty=yes", ["c5.4xlarge"]),
        ("dirty!=yes", ["m5.large"]),
        ("test=*test_it", ["m5.large", "c5.4xlarge"]),
        ("market=spot", []),
        ("commit=aaaa*", ["m5.large", "c5.4xlarge"]),
    ],
)
def test_a_filter_leaves_what_it_holds_for(text: str, left: list[str]) -> None:
    """Texts by shell wildcards, numbers by size, memory with its unit."""
    assert [record.machine.name for record in filter(all_of([parse_filter(text)], None), RECORDS)] == left


@pytest.mark.parametrize(
    "text", ["", "vcpus", "colour=red", "vcpus=many", "machine>3", "memory>=16 apples", "vcpus>NaN", "dirty=1"]
)
def test_a_filter_that_cannot_be_read_is_refused_with_the_fields(text: str) -> None:
    """The message lists what can be asked."""
    with pytest.raises(PlanError, match="machine, type"):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "left"), [("2026-11-24", 1), ("3h", 1), ("12h", 1), ("7d", 2), ("1w", 2), ("2027-01-01", 0)]
)
def test_since_takes_dates_and_spans(text: str, left: int) -> None:
    """In UTC, whatever zone a file's own time is in."""
    assert len(list(filter(all_of((), parse_since(text, NOW)), RECORDS))) == left


@pytest.mark.parametrize("text", ["yesterday", "7y", "99999w99", "2026-13-01", ""])
def test_a_since_that_is_no_time_is_refused(text: str) -> None:
    """With the ways to write one."""
    with pytest.raises(PlanError, match="7d"):
        parse_since(text, NOW)

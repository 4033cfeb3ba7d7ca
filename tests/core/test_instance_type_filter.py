"""Filters of instance types."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.instance_type_filter import choose, is_filter, select

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.catalog import InstanceType

CANDIDATES = tuple(
    known for known in catalog().types.values() if known.usd_per_hour is not None and not known.burstable
)
NUMBERS = {
    "vcpus": lambda known: known.vcpus,
    "cores": lambda known: known.cores,
    "gpus": lambda known: known.gpus,
    "price": lambda known: known.usd_per_hour,
}
SIGNS = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
COMPARISONS = st.tuples(st.sampled_from(sorted(NUMBERS)), st.sampled_from(sorted(SIGNS)), st.integers(0, 64))


def names(text: str) -> list[str]:
    """The names that a filter selects; none where it refuses because nothing is so."""
    try:
        return [known.name for known in select(text, catalog())]
    except PlanError as error:
        if "none of the" not in str(error):
            raise
        return []


def holds(known: InstanceType, comparison: tuple[str, str, int]) -> bool:
    field, sign, number = comparison
    actual = NUMBERS[field](known)
    return actual is not None and SIGNS[sign](actual, number)


@given(COMPARISONS, st.sampled_from(["", " "]))
def test_a_comparison_selects_what_it_is_true_of(comparison: tuple[str, str, int], gap: str) -> None:
    """What is selected is every candidate that the comparison is true of, and no other."""
    found = names(gap.join(map(str, comparison)))
    assert set(found) == {known.name for known in CANDIDATES if holds(known, comparison)}


@given(COMPARISONS, COMPARISONS, COMPARISONS)
def test_and_binds_tighter_than_or(a: tuple[str, str, int], b: tuple[str, str, int], c: tuple[str, str, int]) -> None:
    """``a or b and c`` is ``a or (b and c)``; brackets change that."""
    one, two, three = ("".join(map(str, part)) for part in (a, b, c))
    plain = {known.name for known in CANDIDATES if holds(known, a) or (holds(known, b) and holds(known, c))}
    bracketed = {known.name for known in CANDIDATES if (holds(known, a) or holds(known, b)) and holds(known, c)}
    assert set(names(f"{one} or {two} and {three}")) == plain == set(names(f"{one} OR ({two} AND {three})"))
    assert set(names(f"({one} or {two}) and {three}")) == bracketed


@given(COMPARISONS)
def test_the_cheapest_comes_first(comparison: tuple[str, str, int]) -> None:
    """What is selected is in the order of its price."""
    prices = [catalog().types[name].usd_per_hour or Decimal(0) for name in names("".join(map(str, comparison)))]
    assert prices == sorted(prices)


@given(st.text(max_size=20) | st.text(alphabet="vcpus memory>=<()!.1aor nd", max_size=20))
def test_any_text_selects_or_is_refused_by_name(text: str) -> None:
    """No text ends in another error than PlanError, and the error quotes the text."""
    try:
        found = select(text, catalog())
    except PlanError as error:
        message = str(error)
    else:
        assert found
        return
    assert repr(text) in message


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "its end"),
        ("vcpus", "vcpus"),
        ("vcpus>=", "vcpus >="),
        ("vcpus>=many", "'many' is no vcpus"),
        ("vcpus>=nan", "'nan' is no vcpus"),
        ("price<sNaN", "'sNaN' is no price"),
        ("memory>=12parsecs", "'12parsecs' is no memory"),
        ("colour=red", "colour = red"),
        ("(vcpus>=2", "not closed"),
        ("vcpus>=2)", "')' is not expected"),
        ("memory>=96 GiB", "'GiB' is not expected"),
        ("vcpus>=2 and", "its end"),
        ("arch>=arm64", "arch is a text"),
        ("vcpus>=2 & price<1", "& price<1"),
    ],
)
def test_what_is_no_filter_is_refused_with_the_place(text: str, word: str) -> None:
    """The error names what could not be read."""
    with pytest.raises(PlanError) as caught:
        select(text, catalog())
    assert word in str(caught.value)


def test_texts_are_compared_whole() -> None:
    """Family, size, architecture and manufacturer are what they are called; the manufacturer in any case."""
    assert {name.partition(".")[0] for name in names("family=m5")} == {"m5"}
    assert {name.partition(".")[2] for name in names("size=8xlarge")} == {"8xlarge"}
    arm, other = names("arch=arm64"), names("arch!=arm64")
    assert all("arm64" in catalog().types[name].arches for name in arm)
    assert sorted(arm + other) == sorted(known.name for known in CANDIDATES)
    assert names("manufacturer=AMD") == names("manufacturer=amd") != []


def test_memory_has_units() -> None:
    """``memory`` is an amount with a unit, as in the marker."""
    assert names("memory=128GiB and family=m5") == ["m5.8xlarge"]


def test_what_is_not_known_is_not_selected() -> None:
    """A type whose clock is not known is neither slower nor faster than any."""
    unknown = {known.name for known in CANDIDATES if known.clock_ghz is None}
    assert not unknown & {*names("clock>=0"), *names("clock<=1000")}


@given(st.sampled_from(sorted(catalog().types)))
def test_a_name_is_no_filter(name: str) -> None:
    """An instance type's name, SageMaker's too, is taken for a name."""
    assert not is_filter(name)
    assert not is_filter(f"ml.{name}")


@given(COMPARISONS)
def test_a_comparison_is_a_filter(comparison: tuple[str, str, int]) -> None:
    """A comparison is never taken for a name."""
    assert is_filter("".join(map(str, comparison)))


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("price<0.035", ["c6g.medium"]),  # not t1.micro and a1.medium, which are cheaper
        ("price<0.03", ["a1.medium"]),  # nothing current is so; t1.micro bursts
        ("price<=0.02", ["t1.micro"]),
        ("family=t1", ["t1.micro"]),
        ("family=a1 and price<0.03 or price<0.035 and vcpus=1 and memory=2GiB", ["a1.medium", "c6g.medium"]),
    ],
)
def test_a_filter_stands_for_current_types_where_there_are_any(text: str, chosen: list[str]) -> None:
    """Cheapest are what EC2 sells for what runs on it already."""
    assert [chosen_type.name for chosen_type in choose(text, catalog())] == chosen


@pytest.mark.parametrize("text", ["(" * 3000 + "vcpus>1" + ")" * 3000, "vcpus>1" + " and vcpus>1" * 3000])
def test_a_filter_has_an_end(text: str) -> None:
    """One that nests or goes on for thousands of words is refused, in one line."""
    with pytest.raises(PlanError, match="more than 500 words and signs"):
        choose(text, catalog())

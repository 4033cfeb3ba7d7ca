"""The front of time against money, and the best within a limit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.compare.choice import (
    FASTEST_PRICED,
    Offer,
    best_within,
    break_even_seconds,
    choice,
    front,
)

NOTE = [Offer("m5.8xlarge", 574, Decimal("1.536")), Offer("r5.4xlarge", 763, Decimal("1.008"))]
OFFERS = st.lists(
    st.builds(
        Offer, st.text("abc", min_size=1, max_size=3), st.integers(1, 50).map(float), st.integers(1, 50).map(Decimal)
    ),
    max_size=12,
)


def test_both_published_machines_are_on_the_front() -> None:
    """One is faster, the other cheaper: 0.245 and 0.214 USD."""
    assert [one.machine for one in front(NOTE)] == ["m5.8xlarge", "r5.4xlarge"]
    assert round(NOTE[0].usd, 3) == Decimal("0.245")


def test_the_published_break_even() -> None:
    """c5.24xlarge at 4.08 USD an hour is cheaper than r5.4xlarge's 763 s below 188.5 s."""
    assert break_even_seconds(Decimal("4.08"), NOTE[1]) == pytest.approx(188.5, abs=0.05)


@given(OFFERS)
def test_nothing_on_the_front_is_beaten(offers: list[Offer]) -> None:
    """No offer is as good in both and better in one; and what is not on it is beaten or equalled."""
    best = front(offers)
    for one in best:
        as_good = [other for other in offers if other.seconds <= one.seconds and other.usd <= one.usd]
        assert all((other.seconds, other.usd) == (one.seconds, one.usd) for other in as_good)
    for offer in offers:
        assert any(one.seconds <= offer.seconds and one.usd <= offer.usd for one in best)


@given(OFFERS, st.integers(1, 60))
def test_a_limit_is_kept_or_there_is_no_answer(offers: list[Offer], limit: int) -> None:
    """The answer keeps the limit and none that keeps it is better."""
    cheap, fast = best_within(offers, limit, None), best_within(offers, None, Decimal(limit) / 100)
    in_time = [one for one in offers if one.seconds <= limit]
    in_money = [one for one in offers if one.usd <= Decimal(limit) / 100]
    assert (cheap is None) == (not in_time)
    assert (fast is None) == (not in_money)
    assert cheap is None or (cheap.seconds <= limit and cheap.usd == min(one.usd for one in in_time))
    assert fast is None or (fast.usd <= Decimal(limit) / 100 and fast.seconds == min(one.seconds for one in in_money))


MACHINES = st.lists(
    st.tuples(
        st.none() | st.integers(1, 9).map(Decimal), st.integers(1, 9).map(float), st.booleans()
    ).map(lambda drawn: (drawn[0] and Offer(f"{drawn}", drawn[1], drawn[0]), drawn[1], drawn[2])),
    max_size=8,
)  # fmt: skip
"""Offer, seconds, and whether it is embedded AWS's."""


@given(MACHINES)
def test_the_fastest_is_never_beaten(machines: list[tuple[Offer | None, float, bool]]) -> None:
    """No machine that is no embedded one is faster than what is called the fastest, with a price or without."""
    words = choice(machines)
    fastest = [seconds for said, (_, seconds, _) in zip(words, machines, strict=True) if "fastest" in said]
    real = [seconds for _, seconds, embedded in machines if not embedded]
    assert not fastest or not real or max(fastest) <= min(real)
    assert len(set(fastest)) <= 1


@given(MACHINES)
def test_money_is_compared_among_machines_with_a_price(machines: list[tuple[Offer | None, float, bool]]) -> None:
    """The cheapest and the fastest of them are the least of them; with one price or none, nothing is said of money."""
    words = choice(machines)
    embedded = not any(offer and not simulated for offer, _, simulated in machines)
    priced = [
        (said, offer)
        for said, (offer, _, simulated) in zip(words, machines, strict=True)
        if offer and simulated == embedded
    ]
    money = {"cheapest", "front", FASTEST_PRICED}
    if len(priced) < 2:
        assert not any(money & set(said) for said in words)
        return
    assert {offer.usd for said, offer in priced if "cheapest" in said} == {min(offer.usd for _, offer in priced)}
    quickest = {offer.seconds for said, offer in priced if {"fastest", FASTEST_PRICED} & set(said)}
    assert quickest == {min(offer.seconds for _, offer in priced)}


def test_one_machine_is_no_choice() -> None:
    """Nothing is said of it."""
    assert choice([(NOTE[0], 574.0, False)]) == [()]


def test_a_faster_machine_without_a_price_is_the_fastest() -> None:
    """What costs is compared beside it: the fastest of those with a price is called that, with its relative below 1."""
    machines = [(None, 500.0, False), (NOTE[0], 574.0, False), (NOTE[1], 763.0, False)]
    assert choice(machines) == [("fastest",), (FASTEST_PRICED, "front"), ("cheapest", "front")]
    simulated = [(None, 500.0, False), (NOTE[0], 574.0, True), (NOTE[1], 763.0, True)]
    assert choice(simulated) == choice(machines)

"""Which machine: the front of time against money, the best within a limit, and the best of many tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
    from pytest_benchmark_aws.core.compare.tables import Table

FASTEST_PRICED = "fastest with a price"


@dataclass(frozen=True, slots=True)
class Offer:
    """What one machine takes for one run."""

    machine: str
    seconds: float
    usd_per_hour: Decimal
    usd_per_request: Decimal | None = None
    """Of a managed service, whose run is a request that costs this however long it takes."""

    @property
    def usd(self) -> Decimal:
        """Of one run."""
        if self.usd_per_request is not None:
            return self.usd_per_request
        return self.usd_per_hour * Decimal(repr(self.seconds)) / 3600


def front(offers: Iterable[Offer]) -> list[Offer]:
    """The offers that no other beats in both time and money (Pareto), fastest first; of equals one stays."""
    best: list[Offer] = []
    for offer in sorted(offers, key=lambda offer: (offer.seconds, offer.usd, offer.machine)):
        if not best or offer.usd < best[-1].usd:
            best.append(offer)
    return best


def best_within(offers: Iterable[Offer], max_seconds: float | None, max_usd: Decimal | None) -> Offer | None:
    """The cheapest that keeps the time, and the money if that is limited too; without a time the fastest; or none."""
    if max_usd is not None:
        offers = [offer for offer in offers if offer.usd <= max_usd]
    if max_seconds is None:
        return min(offers, key=lambda offer: (offer.seconds, offer.usd, offer.machine), default=None)
    in_time = [offer for offer in offers if offer.seconds <= max_seconds]
    return min(in_time, key=lambda offer: (offer.usd, offer.seconds, offer.machine), default=None)


def break_even_seconds(usd_per_hour: Decimal, other: Offer) -> float:
    """Below this time a machine at that price is cheaper than the other offer."""
    return float(other.usd * 3600 / usd_per_hour)


def break_even_requests(usd_per_hour: Decimal, service: Offer) -> float:
    """Requests a day from which on a machine that is on all day is cheaper than a managed service."""
    return float(24 * usd_per_hour / service.usd)


def choice(machines: Sequence[tuple[Offer | None, float, bool]]) -> list[tuple[str, ...]]:
    """What is said of each machine of one test, fastest first: ``fastest``, ``cheapest``, ``front``, or nothing.

    Money is compared among the machines with a price, of which there must be two. Where one without is faster than all
    of these, it is the fastest, and the first of these the ``fastest with a price``. Embedded AWS's times are no
    instance type's: they choose among themselves, and only where there is no real machine with a price.

    Args:
        machines: each one's offer, None without a price; the seconds of a run; and whether it is embedded AWS's.
    """
    words: list[list[str]] = [[] for _ in machines]
    real = [place for place, (_, _, embedded) in enumerate(machines) if not embedded]
    priced = {place: offer for place in real if (offer := machines[place][0]) is not None}
    if not priced:
        priced = {place: offer for place, (offer, _, _) in enumerate(machines) if offer is not None}
    timed = sorted({*real, *priced}) if len(priced) > 1 else real or list(range(len(machines)))
    seconds = [machines[place][1] for place in timed]
    if len(timed) > 1:
        for place in timed:
            words[place] += ["fastest"] * (machines[place][1] == min(seconds))
    if len(priced) > 1:
        quickest, least = min(offer.seconds for offer in priced.values()), min(offer.usd for offer in priced.values())
        best = {(offer.machine, offer.seconds) for offer in front(priced.values())}
        for place, offer in priced.items():
            words[place] += [FASTEST_PRICED] * (offer.seconds == quickest > min(seconds))
            words[place] += ["cheapest"] * (offer.usd == least)
            words[place] += ["front"] * ((offer.machine, offer.seconds) in best)
    return [tuple(said) for said in words]


@dataclass(frozen=True, slots=True)
class Tally:
    """Of how many tests a machine is the best."""

    machine: MachineInfo
    fastest: int
    cheapest: int
    front: int
    tests: int
    """It was measured in."""


@dataclass(frozen=True, slots=True)
class Best:
    """The machine that is the best of most tests."""

    word: str
    """``fastest``, ``cheapest``, or ``fastest and cheapest``."""
    machine: MachineInfo
    count: int
    tests: int
    """With a choice."""

    @property
    def tests_said(self) -> str:
        """As in ``in 3 of 5 tests``."""
        return f"in {f'all {self.tests:,}' if self.count == self.tests else f'{self.count:,} of {self.tests:,}'} tests"


def tallies_of(tables: Iterable[Table]) -> list[Tally]:
    """One for each machine, the one that is the fastest of most tests first."""
    machines: dict[str, MachineInfo] = {}
    words_of: dict[str, list[set[str]]] = {}
    for table in tables:
        words: dict[str, set[str]] = {}
        for row in table.rows:
            machines[row.machine.name] = row.machine
            words.setdefault(row.machine.name, set()).update(row.choice)
        for name, said in words.items():
            words_of.setdefault(name, []).append(said)
    tallies = []
    for name, tests in words_of.items():
        fastest, cheapest, on_front = (sum(word in said for said in tests) for word in ("fastest", "cheapest", "front"))
        tallies.append(Tally(machines[name], fastest, cheapest, on_front, len(tests)))
    return sorted(
        tallies, key=lambda tally: (-tally.fastest, -tally.cheapest, -tally.front, -tally.tests, tally.machine.name)
    )


def best_of(tables: Iterable[Table], tallies: Sequence[Tally]) -> list[Best]:
    """The fastest and the cheapest of most tests; nothing where fewer than two tests have a choice."""
    tests = sum(any(row.choice for row in table.rows) for table in tables)
    if tests < 2:
        return []
    fastest = max(tallies, key=lambda tally: tally.fastest)
    cheapest = max(tallies, key=lambda tally: tally.cheapest)
    if fastest is cheapest and fastest.fastest == fastest.cheapest:
        return [Best("fastest and cheapest", fastest.machine, fastest.fastest, tests)]
    best = [Best("fastest", fastest.machine, fastest.fastest, tests)]
    return best + [Best("cheapest", cheapest.machine, cheapest.cheapest, tests)] * bool(cheapest.cheapest)

"""Before any request: which benchmarks of managed services run, and the most that they can cost."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.catalog.service_prices import REGION
from pytest_benchmark_aws.core.errors import MarkError, PlanError
from pytest_benchmark_aws.core.values.usd import format_usd
from pytest_benchmark_aws.session import here
from pytest_benchmark_aws.session.services import marks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pytest_benchmark_aws.catalog.service_prices import ServicePrice
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.session.services.marks import ServiceMark

Case = tuple[pytest.Item, "ServiceMark"]
PriceOf = Callable[[pytest.Item, str], "ServicePrice"]
"""Of a case and the key in its mark."""
CASES = pytest.StashKey[list[Case]]()


def in_regions(metafunc: pytest.Metafunc) -> None:
    """Makes a case for each of ``--aws-regions``; without it the case is of the account's region.

    Options that cannot be read make none: ``check`` refuses them, once and not as an error of each module.
    """
    from pytest_benchmark_aws.session.remote import settings_of

    try:
        regions = settings_of(metafunc.config).regions
    except pytest.UsageError:
        return
    if regions:
        metafunc.parametrize(marks.FIXTURE, regions, indirect=True, ids=regions)


def check(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Skips what AWS has withdrawn, and refuses what by the shipped prices would cost more than the cap.

    Raises:
        pytest.UsageError: a marker cannot be used, or the cap would be passed; nothing was asked of AWS.
    """
    from pytest_benchmark_aws.catalog import lifecycle
    from pytest_benchmark_aws.session.remote import settings_of

    cases: list[Case] = []
    wrong = []
    for item in items:
        try:
            mark = marks.read(item)
        except MarkError as error:
            wrong.append(f"{item.nodeid}: {error}")
            continue
        if mark is None or item.get_closest_marker("skip") or here.GUEST in os.environ:
            continue
        entry = lifecycle.named(mark.service)
        if entry is not None and not entry.live:
            here.skip_later(item, f"{entry.sentence} (source: {entry.source})")
        else:
            cases.append((item, mark))
    if wrong:
        raise pytest.UsageError(*dict.fromkeys(wrong))
    config.stash[CASES] = cases
    settings = settings_of(config)
    if config.option.collectonly or config.getoption("benchmark_skip", False):
        return
    try:
        refuse_over_cap(cases, shipped_prices(settings), settings)  # the cheapest guess: others follow from the list
    except PlanError as error:
        raise pytest.UsageError(f"aws: {error}") from error


def shipped_prices(settings: Settings) -> PriceOf:
    """Those of us-east-1, or as --aws-price says."""
    from pytest_benchmark_aws.aws.services.prices import ServicePrices

    shipped = ServicePrices(REGION, settings.prices, {})
    return lambda _, key: shipped(key)


def elsewhere(cases: Collection[Case], settings: Settings) -> list[str]:
    """Regions whose prices are not known before the Price List is asked, of cases that are asked there."""
    from pytest_benchmark_aws.aws.regions import region_of_environment

    session = settings.region or region_of_environment() or "the profile's region"
    priced = [item for item, mark in cases if mark.price is not None and mark.price not in settings.prices]
    regions = dict.fromkeys(marks.region_of(item) or session for item in priced)
    return [region for region in regions if region != REGION]


def refuse_over_cap(cases: Collection[Case], price_of: PriceOf, settings: Settings) -> None:
    """Ends what could cost more than ``--aws-max-cost``.

    Raises:
        PlanError: it could, with the sum and the dearest.
    """
    costs = _costs(cases, price_of, settings)
    most = sum((usd for usd, _ in costs), Decimal(0))
    if most > settings.max_cost_usd:
        dearest, name = max(costs)
        raise PlanError(
            f"{count(cases, settings)}, could cost "
            f"{format_usd(most, settings.max_cost_usd)} USD, --aws-max-cost allows "
            f"{format_usd(settings.max_cost_usd, most)}: raise it, lower --aws-service-rounds or choose fewer with -k "
            f"(the dearest is {name}, {format_usd(dearest)} USD); nothing was asked"
        )


def most_usd(cases: Collection[Case], price_of: PriceOf, settings: Settings) -> Decimal:
    """The most that all requests cost."""
    return sum((usd for usd, _ in _costs(cases, price_of, settings)), Decimal(0))


def count(cases: Collection[Case], settings: Settings) -> str:
    """How many benchmarks there are, and how many requests they send."""
    requests = sum(mark.rounds(settings.service_rounds) + marks.WARM_UP for _, mark in cases)
    return f"{len(cases):,} benchmark{'s' * (len(cases) != 1)} of managed services, {requests:,} requests"


def _costs(cases: Collection[Case], price_of: PriceOf, settings: Settings) -> list[tuple[Decimal, str]]:
    """USD and name of each; 0 of those without a price."""
    costs = []
    for item, mark in cases:
        price = mark.priced(partial(price_of, item))
        usd = None if price is None else mark.most_usd(price, settings.service_rounds)
        costs.append((usd or Decimal(0), item.name))
    return costs

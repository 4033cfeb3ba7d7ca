"""One cap for a session: what its benchmarks of managed services may cost is taken off what its launches may."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.values.usd import format_usd
from pytest_benchmark_aws.session.services import plan
from pytest_benchmark_aws.session.services.account import account_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from pytest_benchmark_aws.core.model import Plan
    from pytest_benchmark_aws.core.settings import Settings


def announce(
    config: pytest.Config,
    settings: Settings,
    write: Callable[[str], object],
    is_embedded: Callable[[pytest.Config], bool],
) -> Settings | None:
    """Says what the benchmarks of services cost at most, before any launch; None without any.

    The account is opened, and its prices hold; a dry run asks nobody, and the shipped ones do.

    Returns:
        The settings of the launches, whose cap is what is left.

    Raises:
        pytest.exit.Exception: there is no way to the account, or the cap would be passed.
    """
    cases = config.stash.get(plan.CASES, [])
    if not cases or (config.getoption("benchmark_skip", False) and not config.getoption("benchmark_only", False)):
        return None
    if settings.dry_run:
        usd = plan.most_usd(cases, plan.shipped_prices(settings), settings)
        embedded, elsewhere = is_embedded(config), plan.elsewhere(cases, settings)
    else:
        account = account_of(config)
        usd, embedded, elsewhere = plan.most_usd(cases, account.price, settings), account.embedded, []
    most, cap = format_usd(usd, settings.max_cost_usd), format_usd(settings.max_cost_usd, usd)
    where = ", on embedded AWS nothing is billed" if embedded else ""
    others = f"; by us-east-1's prices, those of {', '.join(elsewhere)} may be higher" if elsewhere else ""
    write(
        f"aws: {plan.count(cases, settings)} from here, at most {most} USD; --aws-max-cost is {cap} USD{where}{others}"
    )
    return replace(settings, max_cost_usd=settings.max_cost_usd - usd, services_usd=usd)


def refuse(launches: Plan, settings: Settings) -> None:
    """Ends what could cost more than ``--aws-max-cost``, the session's benchmarks of managed services included.

    Raises:
        PlanError: it could, with the sums.
    """
    if launches.most_usd <= settings.max_cost_usd:
        return
    cap = settings.max_cost_usd + settings.services_usd
    together = launches.most_usd + settings.services_usd
    services, lower = "", "--aws-time-limit, --aws-launches"
    if settings.services_usd:
        services = (
            f" and the benchmarks of managed services {format_usd(settings.services_usd, cap)} USD, together "
            f"{format_usd(together, cap)} USD"
        )
        lower += ", --aws-service-rounds"
    raise PlanError(
        f"the plan could cost {format_usd(launches.most_usd, cap)} USD{services}, --aws-max-cost allows "
        f"{format_usd(cap, together)}: raise it, or lower {lower} or the number of instance types; nothing was launched"
    )

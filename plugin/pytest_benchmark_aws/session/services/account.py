"""Who answers the benchmarks of managed services: the account with ``--aws``, else embedded AWS, for nothing."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.text import printable_lines
from pytest_benchmark_aws.session import here
from pytest_benchmark_aws.session.services import marks, plan

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.services.prices import ServicePrices
    from pytest_benchmark_aws.catalog.service_prices import ServicePrice
    from pytest_benchmark_aws.core.settings import Settings

_ACCOUNT = pytest.StashKey["ServiceAccount"]()


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Clients and prices of each region, and whether embedded AWS answers."""

    clients: Clients
    settings: Settings
    embedded: bool
    prices: dict[str, ServicePrices]
    """Region -> prices."""

    def region(self, item: pytest.Item) -> str:
        """The region of a case."""
        return marks.region_of(item) or self.clients.region

    def price(self, item: pytest.Item, key: str) -> ServicePrice:
        """The price of a case's requests."""
        return self.prices[self.region(item)](key)

    def client(self, service: str, item: pytest.Item) -> Any:
        """The client of a service in a case's region."""
        return self.clients(service, self.region(item))


def account_of(config: pytest.Config) -> ServiceAccount:
    """The session's account, opened before any launch, without ``--aws`` at its first benchmark of a service.

    The cap is then checked by the Price List.

    Without ``--aws`` or ``--aws-target=cloud`` on the command line it is embedded AWS: a project's file alone must not
    spend money.

    Raises:
        pytest.exit.Exception: there is no way to it, or the cap would be passed; it ends the session with exit code 4,
            as an error in a test would only fail that test, and each one after it.
    """
    if _ACCOUNT not in config.stash:
        with here.importing(config):
            try:
                config.stash[_ACCOUNT] = _open(config)
            except PlanError as error:
                sentence = f"aws: {printable_lines(str(error))}"
                if hasattr(config, "workerinput"):  # of xdist, whose worker cannot end the session
                    pytest.fail(sentence, pytrace=False)
                pytest.exit(sentence, pytest.ExitCode.USAGE_ERROR)
    return config.stash[_ACCOUNT]


def _open(config: pytest.Config) -> ServiceAccount:
    from pytest_benchmark_aws.aws.services.prices import ServicePrices, fetch
    from pytest_benchmark_aws.run.preflight import connected
    from pytest_benchmark_aws.session.remote import is_embedded, settings_of

    settings = settings_of(config)
    asked = config.getoption("aws", None) or config.getoption("aws_target", None)
    own = is_embedded(config) if asked else True
    with ExitStack() as stack:
        clients = stack.enter_context(connected(settings, embedded=own))
        embedded = own or clients.account().embedded
        cases = config.stash[plan.CASES]
        keys = dict.fromkeys(mark.price for _, mark in cases if mark.price is not None)
        prices = {
            region: ServicePrices(region, settings.prices, fetch(clients, region, keys))
            for region in dict.fromkeys(marks.region_of(item) or clients.region for item, _ in cases)
        }
        account = ServiceAccount(clients, settings, embedded, prices)
        plan.refuse_over_cap(cases, account.price, settings)
        config.add_cleanup(stack.pop_all().close)
    return account

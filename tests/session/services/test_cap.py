"""One cap for the launches of a session and its requests to managed services."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_benchmark_aws.aws.clients import Clients
from pytest_benchmark_aws.aws.services.prices import ServicePrices
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.model import Plan
from pytest_benchmark_aws.session.services import account, cap, plan
from pytest_benchmark_aws.session.services.account import ServiceAccount
from tests.report.test_plan_text import Target, plan_lines, planned
from tests.session.services.test_plan import item, mark, settings

CASES = [(item("test_forms"), mark("textract.forms"))]
"""21 pages: 1.05 USD by the shipped price."""


def session(cases: Any, opened: ServiceAccount | None = None) -> Any:
    """A session's config with these benchmarks of services, whose account is opened."""
    stash = {plan.CASES: cases, account._ACCOUNT: opened}
    return SimpleNamespace(stash=stash, getoption=lambda *_: False)


def announced(config: Any, asked: Any, *, embedded: bool = False) -> tuple[str, Any]:
    """What is said, and the settings of the launches."""
    lines: list[str] = []
    of_launches = cap.announce(config, asked, lines.append, lambda _: embedded)
    return "\n".join(lines), of_launches


def test_what_requests_may_cost_is_taken_off_the_cap_of_launches_by_the_accounts_prices(tmp_path: Any) -> None:
    """Before any launch; a session without such benchmarks opens no account and leaves the cap alone."""
    asked = settings(tmp_path)
    dearer = ServicePrices("us-east-1", {"textract.forms": Decimal("0.10")}, {})
    opened = ServiceAccount(Clients("us-east-1", None), asked, embedded=False, prices={"us-east-1": dearer})
    line, of_launches = announced(session(CASES, opened), asked)
    assert (of_launches.max_cost_usd, of_launches.services_usd) == (Decimal("7.90"), Decimal("2.10"))
    assert line == (
        "aws: 1 benchmark of managed services, 21 requests from here, at most 2.10 USD; --aws-max-cost is 10.00 USD"
    )
    assert announced(session([]), asked) == ("", None)


@pytest.mark.parametrize(
    ("given", "embedded", "end"),
    [
        ({"region": "us-east-1"}, False, "--aws-max-cost is 10.00 USD"),
        ({"region": "us-east-1"}, True, "--aws-max-cost is 10.00 USD, on embedded AWS nothing is billed"),
        ({"region": "sa-east-1"}, False, "10.00 USD; by us-east-1's prices, those of sa-east-1 may be higher"),
        ({}, False, "10.00 USD; by us-east-1's prices, those of the profile's region may be higher"),
    ],
)
def test_dry_run_says_whose_prices_it_goes_by(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], embedded: bool, end: str
) -> None:
    """As it asks nobody; and that embedded AWS bills nothing."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    line, _ = announced(session(CASES), settings(tmp_path, dry_run="yes", **given), embedded=embedded)
    assert line.endswith(end)


def test_price_of_yours_holds_in_each_region(tmp_path: Any) -> None:
    """So the sum is no guess."""
    cases = [(item("test_speak", "sa-east-1"), mark("polly.neural"))]
    assert plan.elsewhere(cases, settings(tmp_path)) == ["sa-east-1"]
    prices = {"polly.neural": Decimal("0.00002")}
    assert plan.elsewhere(cases, SimpleNamespace(region=None, prices=prices)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("launches_usd", "refused"), [("8.95", False), ("8.96", True)])
def test_launches_and_requests_are_refused_together(tmp_path: Any, launches_usd: str, refused: bool) -> None:
    """With both sums; the plan says what is taken off."""
    opened = ServiceAccount(
        Clients("us-east-1", None), settings(tmp_path), embedded=True,
        prices={"us-east-1": ServicePrices("us-east-1", {}, {})},
    )  # fmt: skip
    _, of_launches = announced(session(CASES, opened), settings(tmp_path))
    launches: Any = SimpleNamespace(most_usd=Decimal(launches_usd))
    if not refused:
        cap.refuse(launches, of_launches)
        return
    with pytest.raises(
        PlanError,
        match=r"could cost 8\.96 USD and the benchmarks of managed services 1\.05 USD, together 10\.01 USD, "
        r"--aws-max-cost allows 10\.00: raise it, or lower .*--aws-service-rounds",
    ):
        cap.refuse(launches, of_launches)


def test_plan_says_what_managed_services_take_of_the_cap() -> None:
    """Beside the whole cap."""
    launches: Plan = planned(Target("m5.8xlarge"))
    [line] = [
        line
        for line in plan_lines(launches, Decimal("8.95"), embedded=False, services_usd=Decimal("1.05"))
        if "at most" in line and "max-cost" in line
    ]
    assert "--aws-max-cost is 10.00 USD, 1.05 USD of it for managed services, data transfer" in line

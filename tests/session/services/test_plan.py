"""What benchmarks of managed services may cost, and which of them cannot be held by a cap."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_benchmark_aws.aws.clients import Clients
from pytest_benchmark_aws.aws.services.prices import ServicePrices
from pytest_benchmark_aws.catalog.service_prices import service_prices
from pytest_benchmark_aws.core.errors import MarkError, PlanError
from pytest_benchmark_aws.core.settings import Settings, parse_settings
from pytest_benchmark_aws.session import options
from pytest_benchmark_aws.session.services import marks, measure, plan
from pytest_benchmark_aws.session.services.account import ServiceAccount
from pytest_benchmark_aws.session.services.marks import ServiceMark


def settings(tmp_path: Any, **given: str) -> Settings:
    """The settings of a session with these options."""
    values: dict[str, Any] = {options._parted(usage)[0]: None for usage in options._OPTIONS}
    return parse_settings({**values, **{name.replace("_", "-"): text for name, text in given.items()}}, tmp_path)


def item(name: str, region: str | None = None) -> Any:
    """An item, as far as a price is of it."""
    return SimpleNamespace(name=name, callspec=SimpleNamespace(params={"aws_service": region} if region else {}))


def mark(price: str | None, units: int = 1, rounds: int | None = None) -> ServiceMark:
    """A mark with that price."""
    return ServiceMark("service", price, Decimal(units), rounds)


def price_of(_: Any, key: str) -> Any:
    """The shipped price."""
    return service_prices()[key]


def test_cost_is_requests_times_price_times_units(tmp_path: Any) -> None:
    """With the warm-up: 21 pages of a form are 1.05 USD, 6 where the mark has five rounds."""
    asked = settings(tmp_path, max_cost="1")
    with pytest.raises(PlanError, match=r"21 requests, could cost 1\.05 USD, --aws-max-cost allows 1\.00.*test_forms"):
        plan.refuse_over_cap([(item("test_forms"), mark("textract.forms"))], price_of, asked)
    plan.refuse_over_cap([(item("test_forms"), mark("textract.forms", rounds=5))], price_of, asked)


def test_all_benchmarks_count_together(tmp_path: Any) -> None:
    """Two that fit are refused where both do not; one without a price adds nothing."""
    asked = settings(tmp_path, max_cost="0.05")
    cases = [(item(name), mark("rekognition.image")) for name in ("a", "b")]
    plan.refuse_over_cap([cases[0], (item("c"), mark("personalize.recommendations"))], price_of, asked)
    plan.refuse_over_cap(cases, price_of, asked)
    with pytest.raises(PlanError, match=r"3 benchmarks of managed services, 63 requests, could cost 0\.06"):
        plan.refuse_over_cap([*cases, cases[0]], price_of, asked)


@pytest.mark.parametrize(
    ("text", "regions"),
    [("us-east-1", ("us-east-1",)), (" us-east-1, eu-west-1,us-east-1", ("us-east-1", "eu-west-1"))],
)
def test_regions_are_each_named_once(tmp_path: Any, text: str, regions: tuple[str, ...]) -> None:
    """With commas between."""
    assert settings(tmp_path, regions=text).regions == regions


@pytest.mark.parametrize("text", ["", ",", "useast1", "us-east-1;eu-west-1", "US-EAST-1"])
def test_what_is_no_region_is_refused(tmp_path: Any, text: str) -> None:
    """With what to give."""
    with pytest.raises(PlanError, match="us-east-1,eu-west-1"):
        settings(tmp_path, regions=text)


@pytest.mark.parametrize(
    ("service", "key", "region", "reason"),
    [
        ("personalize", "personalize.recommendations", "us-east-1", "--aws-price=personalize.recommendations=USD"),
        ("polly", "polly.neural", "eu-west-1", "the price of polly.neural in eu-west-1 is not confirmed"),
        ("lex", "lex.text", "eu-north-1", "botocore knows no lex in eu-north-1"),
    ],
)
def test_what_a_cap_cannot_hold_is_skipped_on_an_account(
    tmp_path: Any, service: str, key: str, region: str, reason: str
) -> None:
    """Before any request; so is a region that has no such service."""
    account = ServiceAccount(
        Clients("us-east-1", None), settings(tmp_path), embedded=False, prices={region: ServicePrices(region, {}, {})}
    )
    with pytest.raises(pytest.skip.Exception, match=reason):
        measure._skip_unusable(account, service, item("test", region), mark(key))


def test_price_of_yours_holds(tmp_path: Any) -> None:
    """--aws-price of a key makes it known, in any region."""
    prices = ServicePrices("eu-west-1", {"polly.neural": Decimal("0.00002")}, {})
    assert prices("polly.neural").usd == Decimal("0.00002")
    assert prices("polly.neural").said == "--aws-price, given"


def test_without_a_price_nothing_is_asked_of_an_account(tmp_path: Any) -> None:
    """No cap could hold it; embedded AWS asks nothing for it."""
    asked = settings(tmp_path)
    account = ServiceAccount(Clients("us-east-1", None), asked, embedded=False, prices={})
    with pytest.raises(pytest.skip.Exception, match=r"names no price of polly, so --aws-max-cost cannot hold it"):
        measure._skip_unusable(account, "polly", item("test", "us-east-1"), mark(None))
    account = ServiceAccount(Clients("us-east-1", None), asked, embedded=True, prices={})
    measure._skip_unusable(account, "polly", item("test", "us-east-1"), mark(None))


@pytest.mark.parametrize(
    ("service", "region", "reason"),
    [
        ("poly", "us-east-1", r"boto3 has no client of a service 'poly'; did you mean .*polly"),
        ("zzzzzz", "us-east-1", r"boto3 has no client of a service 'zzzzzz'; take a name of boto3\.client\(\)"),
        ("polly", "us-est-1", r"botocore knows no region us-est-1; did you mean .*us-east-1"),
    ],
)
def test_mistyped_names_fail_on_embedded_aws_with_what_was_meant(
    tmp_path: Any, service: str, region: str, reason: str
) -> None:
    """It would answer for any region, and a result would be of one that is none."""
    account = ServiceAccount(Clients("us-east-1", None), settings(tmp_path), embedded=True, prices={})
    with pytest.raises(pytest.fail.Exception, match=reason):
        measure._skip_unusable(account, service, item("test", region), mark("polly.neural"))


@pytest.mark.parametrize(
    ("service", "how", "wrong"),
    [
        ("polly", {"price": "polly.neural"}, "polly.neural is per character: give units"),
        ("comprehend", {"price": "comprehend.language"}, "per unit of 100 characters: give units"),
        ("transcribe", {"price": "transcribe.batch"}, "per second: give units"),
        (
            "polly",
            {"price": "translate.text", "units": 1},
            "translate.text is no price of polly; there are polly.standard",
        ),
        ("s3", {"price": "lex.text"}, "lex.text is no price of s3; there are only polly.standard"),
    ],
)
def test_marks_that_would_make_a_cap_too_small_are_refused(service: str, how: dict[str, Any], wrong: str) -> None:
    """A price of another service, and 1 where a request has more units."""
    with pytest.raises(MarkError, match=wrong):
        marks._parsed(service, **how)


def test_service_that_the_table_has_not_runs_by_the_price_of_its_mark(tmp_path: Any) -> None:
    """Without one it is skipped on an account, with what to write; with one the cap holds it."""
    account = ServiceAccount(Clients("us-east-1", None), settings(tmp_path), embedded=False, prices={})
    with pytest.raises(pytest.skip.Exception, match=r"names no price of kendra, .*: write usd=USD, what one request"):
        measure._skip_unusable(account, "kendra", item("test", "us-east-1"), marks._parsed("kendra"))
    priced = marks._parsed("kendra", usd=0.5, units=2)
    measure._skip_unusable(account, "kendra", item("test", "us-east-1"), priced)
    assert plan.most_usd([(item("test"), priced)], account.price, account.settings) == 21
    with pytest.raises(PlanError, match=r"could cost 21\.00 USD"):
        plan.refuse_over_cap([(item("test"), priced)], account.price, account.settings)


@pytest.mark.parametrize(
    ("how", "wrong"),
    [
        ({"usd": 0}, "usd is 0, give what one unit costs, above 0"),
        ({"usd": True}, "usd is True"),
        ({"usd": float("nan")}, "usd is nan"),
        ({"usd": Decimal("NaN")}, r"usd is Decimal\('NaN'\)"),
        ({"units": Decimal("NaN")}, r"units is Decimal\('NaN'\)"),
        ({"usd": "1"}, "usd is '1'"),
        ({"usd": 1, "price": "lex.text"}, "price and usd are two prices"),
    ],
)
def test_price_of_a_mark_is_an_amount(how: dict[str, Any], wrong: str) -> None:
    """Which the cap can hold, and one price alone."""
    with pytest.raises(MarkError, match=wrong):
        marks._parsed("lex", **how)


@pytest.mark.parametrize("key", ["textract.forms", "rekognition.image", "lex.text", "personalize.recommendations"])
def test_a_page_an_image_and_a_request_are_one_unit(key: str) -> None:
    """Where the mark does not say."""
    assert marks._parsed(key.partition(".")[0], price=key).units == 1

"""One benchmark of a managed service: its requests timed one by one, counted, and written down with what they cost."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_benchmark_aws.core.values.percentiles import percentile
from pytest_benchmark_aws.session.services import marks
from pytest_benchmark_aws.session.services.account import account_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_benchmark_aws.aws.services.requests import Counts
    from pytest_benchmark_aws.session.services.account import ServiceAccount
    from pytest_benchmark_aws.session.services.marks import ServiceMark

R = TypeVar("R")
MOST_GIVEN_UP = 3
"""Requests in a row that are given up, each after its tries, before a benchmark asks no more."""


@dataclass(frozen=True, slots=True)
class ManagedService:
    """A service with its client, as a benchmark gets it."""

    service: str
    client: Any
    region: str
    account: ServiceAccount
    item: pytest.Item
    mark: ServiceMark
    benchmark: Any
    timed: list[str]
    """Services that the test has timed; all that it opens share it."""

    @property
    def embedded(self) -> bool:
        """Whether embedded AWS answers."""
        return self.account.embedded

    def other(self, service: str) -> Any:
        """The client of another service in the same region, such as S3 for what is transcribed."""
        return self.account.client(service, self.item)

    def bucket(self) -> str:
        """The S3 bucket for what a service reads and writes: that of --aws-bucket; on embedded AWS one is made."""
        if self.account.settings.bucket or not self.embedded:
            bucket = self.account.settings.bucket
            return bucket or pytest.skip(f"{self.service} reads from S3: give --aws-bucket, of {self.region}")
        bucket = f"embedded-services-{self.region}"
        elsewhere = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        s3 = self.other("s3")
        if bucket not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": elsewhere} if elsewhere else {}))
        return bucket

    def time(self, request: Callable[[Any], R], said: Mapping[str, Any] | None = None) -> R:
        """Times a request again and again, and returns the last answer; ``said`` goes into ``extra_info`` as it is.

        A request that is throttled to the end is counted as given up, and its time is no latency. A test times one
        request: what it asked beyond would be in no cap.
        """
        from pytest_benchmark_aws.aws.services.requests import THROTTLED, error_code, watched

        if self.timed or getattr(self.benchmark, "_mode", None):  # of pytest-benchmark, which says so after the warm-up
            pytest.fail(
                f"{self.item.name} times more than one request: give each a test of its own, or put them into one "
                "function, with units of all its calls; the second was not asked"
            )
        self.timed.append(self.service)
        rounds = self.mark.rounds(self.account.settings.service_rounds)
        answers: list[R] = []
        latencies: list[float] = []
        given_up: list[str] = []
        in_a_row = 0

        def once() -> None:
            nonlocal in_a_row
            if in_a_row >= MOST_GIVEN_UP:
                return
            start = perf_counter()
            try:
                with self.explained():
                    answer = request(self.client)
            except Exception as error:
                code = error_code(error)
                if code not in THROTTLED:
                    raise
                given_up.append(code)
                in_a_row += 1
                return
            in_a_row = 0
            latencies.append(perf_counter() - start)
            answers[:] = [answer]

        with watched(self.client) as counts:
            once()  # the warm-up: its time is that of a new connection
        if not counts.attempts:
            pytest.fail(
                f"{self.item.name} sent nothing to {self.service}: time a function that calls the client which it is "
                f"given, as in aws_service({self.service!r}).time(lambda client: ...)"
            )
        latencies.clear()
        given_up.clear()
        self.benchmark.group = "services"
        with watched(self.client) as counts:
            self.benchmark.pedantic(once, rounds=rounds, iterations=1)
        if not latencies:
            pytest.fail(
                f"{self.service} answered none of {len(given_up)} requests, each tried again and again: "
                f"{', '.join(dict.fromkeys(given_up))}; ask for a higher quota, or later"
            )
        if given_up and self.benchmark.stats is not None:  # what is saved as rounds are answers alone
            self.benchmark.stats.stats.data[:] = latencies
        if counts.without_length and isinstance(answers[0], bytes):
            counts.bytes_in += counts.without_length * len(answers[0])
        self._note(latencies, len(given_up), counts, said or {})
        return answers[0]

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Fails with what is to be done where the caller has no right to ask, or the region is none.

        Whether a caller may is known by its first request alone: it is the one that warms up, and no second follows.
        iam:SimulatePrincipalPolicy is a right of its own, which the least policy has not, and "discloses information
        about the permissions granted to other users" (IAM API reference).
        """
        try:
            yield
        except Exception as error:
            from pytest_benchmark_aws.aws.services.availability import is_listed, unlisted
            from pytest_benchmark_aws.aws.services.requests import DENIED, error_code

            if error_code(error) in DENIED:
                pytest.fail(f"{error}: the caller's policy does not allow it{self._least_policy()}", pytrace=False)
            if type(error).__name__ == "EndpointConnectionError" and not is_listed(self.region):
                pytest.fail(f"{error}: {unlisted(self.region)}", pytrace=False)
            raise

    def _least_policy(self) -> str:
        """How the policy that allows it is printed; of a service that this knows no actions of, nothing."""
        from pytest_benchmark_aws.aws.services.policies import ACTIONS

        if self.service not in ACTIONS:
            return ""
        bucket = self.account.settings.bucket
        words = ["--only", self.service, "--region", self.region, *(["--bucket", bucket] if bucket else [])]
        if not self.account.embedded:
            words += ["--account", self.account.clients.account().account_id]
        return f"; the least that does is printed by pytest-benchmark-aws policy services {' '.join(words)}"

    def _note(self, latencies: list[float], given_up: int, counts: Counts, said: Mapping[str, Any]) -> None:
        from pytest_benchmark_aws.aws.services.requests import sdk

        requests = len(latencies) + given_up
        self.benchmark.extra_info |= {
            "service": self.service,
            "region": self.region,
            "requests": requests,
            "attempts": counts.attempts,
            "throttled": counts.throttled,
            "given_up": given_up,
            "errors": counts.errors,
            "latencies_s": [round(value, 6) for value in latencies],
            **{f"p{percent}_s": percentile(latencies, percent) for percent in (50, 95, 99)},
            "bytes_out": round(counts.bytes_out / requests),
            "bytes_in": round(counts.bytes_in / requests),
            **self._costs(),
            "sdk": sdk(),
            **said,
            **({"embedded": True} if self.embedded else {}),
        }

    def _costs(self) -> dict[str, Any]:
        price = self.mark.priced(partial(self.account.price, self.item))
        if price is None:
            return {}
        facts: dict[str, Any] = {
            "units": float(self.mark.units), "unit": price.unit, "price": price.key, "price_source": price.said,
        }  # fmt: skip
        if price.usd is None:
            return facts
        usd = self.mark.units * price.usd
        return {
            **facts,
            "price_date": price.date,
            "usd_per_unit": float(price.usd),
            "usd_per_request": float(usd),
            "usd_per_1000": float(usd * 1000),
        }


def opened(request: pytest.FixtureRequest, benchmark: Any) -> Callable[[str], ManagedService]:
    """What the fixture gives: a function of a service's name."""
    timed: list[str] = []

    def service(name: str) -> ManagedService:
        """The service with its client; the test is skipped where it cannot run, with the reason."""
        item, config = request.node, request.config
        mark = marks.read(item)
        if mark is None or mark.service != name:
            pytest.fail(f"mark the test with aws_service({name!r}, price=..., units=...), which says what it costs")
        account = account_of(config)
        region = account.region(item)
        _skip_unusable(account, name, item, mark)
        client = account.client(name_of_client(name), item)
        return ManagedService(name, client, region, account, item, mark, benchmark, timed)

    return service


def name_of_client(service: str) -> str:
    """boto3's name of the client that sends a service's requests."""
    return {"lex": "lexv2-runtime", "personalize": "personalize-runtime"}.get(service, service)


def _skip_unusable(account: ServiceAccount, name: str, item: pytest.Item, mark: ServiceMark) -> None:
    from pytest_benchmark_aws.aws.services.availability import is_listed, missing, no_client, unlisted

    region = account.region(item)
    if reason := no_client(name_of_client(name)):
        pytest.fail(reason, pytrace=False)
    if reason := missing(name_of_client(name), region):
        pytest.skip(f"botocore knows no {name} in {region}{', ' if reason.startswith('nor ') else ': '}{reason}")
    if account.embedded:
        if not is_listed(region):  # AWS may have it by now, and would say; embedded AWS answers for any
            pytest.fail(unlisted(region), pytrace=False)
        return
    price = mark.priced(partial(account.price, item))
    if price is None:
        keys = marks.prices_of(name)
        write = f"price=KEY and units=NUMBER, of {', '.join(keys)}" if keys else "usd=USD, what one request costs there"
        pytest.skip(f"aws_service names no price of {name}, so --aws-max-cost cannot hold it: write {write}")
    if price.usd is None:
        pytest.skip(
            f"the price of {price.key} in {region} is not confirmed, so --aws-max-cost cannot hold it: give "
            f"--aws-price={price.key}=USD for each {price.unit}, by the Price List of {price.service_code}"
        )

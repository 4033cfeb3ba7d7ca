"""boto3's clients with their retries and time-outs, and the credentials that every AWS tool finds."""

from __future__ import annotations

import copy
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws.regions import region_of_environment
from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

DEFAULT_REGION = "us-east-1"
_REGIONAL = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
"""S3 by the host of the bucket's region, which presigned URLs are signed for: botocore's default signs for the global
host, from which S3 redirects (307) for a day after the bucket was made, or refuses (400) in regions opened after
2019-03-20; a redirected signature is none (boto3 #1982, #2989; S3 user guide, "Virtual hosting of buckets")."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account that pays, and who calls in its name."""

    account_id: str
    arn: str
    region: str
    embedded: bool = False
    """Whether embedded AWS answered."""


class Clients:
    """One client for each service of one region, with retries and time-outs set.

    ``environment`` holds what embedded AWS exports: endpoint, region and keys; without it, boto3's own search counts.
    ``retries`` is how often a call that failed is tried again: eight are half a minute where there is no network.
    """

    def __init__(
        self, region: str | None, profile: str | None, environment: Mapping[str, str] | None = None, retries: int = 8
    ) -> None:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ProfileNotFound

        exported = environment or {}
        self._exported, self._profile = exported, profile
        region = region or exported.get("AWS_REGION") or region_of_environment()
        try:
            self._session = self._open(region)
        except ProfileNotFound as error:
            raise PlanError(f"{error}: aws configure list-profiles names those there are") from error
        except BotoCoreError as error:  # a file that cannot be parsed
            raise _unusable(error) from error
        self.region = self._session.region_name or DEFAULT_REGION
        self.region_is_given = self._session.region_name is not None
        self._endpoint = exported.get("AWS_ENDPOINT_URL")
        self._config = Config(
            retries={"mode": "standard", "max_attempts": retries},
            connect_timeout=10,
            read_timeout=60,
            signature_version=None,
            # Presigned uploads carry what we sign and nothing that a newer SDK would like to add.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"} if self._endpoint or _endpoint_of_environment() else _REGIONAL,
            user_agent_extra="pytest-benchmark-aws",
        )
        self._account: Account | None = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._handlers: list[tuple[str, Any]] = []

    def _open(self, region: str | None) -> Any:
        """A session, with what credentials there are now."""
        import boto3

        session = None
        if self._exported:
            from botocore.session import Session

            # Embedded AWS's keys are those that it exports: no profile and no file of keys is looked at.
            nowhere = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
            session = Session(session_vars={"profile": (None, None, None, None), **nowhere})
        return boto3.Session(
            botocore_session=session,
            aws_access_key_id=self._exported.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=self._exported.get("AWS_SECRET_ACCESS_KEY"),
            region_name=region,
            profile_name=None if self._exported else self._profile,
        )

    def __call__(self, service: str, region: str | None = None) -> Any:
        """The client of a service, in this region or another."""
        key = service, region or self.region
        if key not in self._clients:
            from botocore.config import Config

            config = self._config.merge(Config(signature_version="s3v4")) if service == "s3" else self._config
            try:
                self._clients[key] = self._session.client(
                    service, region_name=key[1], endpoint_url=self._endpoint, config=config
                )
            except ValueError as error:  # botocore's, of an endpoint that is no URL
                raise PlanError(f"{error}: give AWS_ENDPOINT_URL as in http://127.0.0.1:5000, or unset it") from error
        return self._clients[key]

    def in_region(self, region: str) -> Clients:
        """The clients of another region, for the same session: it reads each service's description once."""
        elsewhere = copy.copy(self)
        elsewhere.region = region
        return elsewhere

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        """Registers a handler of botocore's events for all clients, those of renewed credentials included."""
        self._handlers.append((event, handler))
        self._session.events.register(event, handler)

    def renew(self) -> str:
        """Takes the credentials that there are now in place of those that have ended; returns a sentence on it.

        A session reads a file of keys once (boto3's ``~/.aws/credentials``), so that keys which another tool has
        rewritten reach a new one alone. Those of another account would not see the run's instances, and are not taken.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        log_in = "log in again (aws sso login, or what wrote your keys), this waits and goes on"
        if self._exported:
            return log_in
        try:
            fresh = self._open(self.region)
            if _keys(fresh) in {None, _keys(self._session)}:
                return log_in
            if self._account is not None:
                sts = fresh.client("sts", region_name=self.region, endpoint_url=self._endpoint, config=self._config)
                for event, handler in self._handlers:
                    sts.meta.events.register(event, handler)
                account = sts.get_caller_identity()["Account"]
                if account != self._account.account_id:
                    own = self._account.account_id
                    return f"{log_in}; those that there are now are of account {account}, this run's is {own}"
        except (BotoCoreError, ClientError, OSError) as error:  # a file half written, or keys that have ended, too
            return f"{log_in} ({error})"
        self._session = fresh
        self._clients.clear()
        for event, handler in self._handlers:
            fresh.events.register(event, handler)
        return "there are new ones, this goes on with them"

    def has_credentials(self) -> bool:
        """Whether boto3 finds credentials; asks the network only where the machine is configured so.

        Raises:
            PlanError: it finds some that are incomplete, or cannot read them.
        """
        from botocore.exceptions import BotoCoreError

        try:
            return self._session.get_credentials() is not None
        except BotoCoreError as error:
            raise _unusable(error) from error

    def credentials_expire(self) -> datetime | None:
        """When the credentials expire; None for those that do not, and where it cannot be known."""
        expiry: datetime | None = getattr(self._session.get_credentials(), "_expiry_time", None)
        return expiry

    def are_temporary(self) -> bool:
        """Whether the credentials are a session's, which end."""
        keys = _keys(self._session)
        return keys is not None and bool(keys[2])

    def account(self) -> Account:
        """The caller's account, by STS, which is asked once.

        Raises:
            PlanError: there are no credentials, or AWS refuses them.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        if self._account is not None:
            return self._account
        try:
            answer = self("sts").get_caller_identity()
        except ResponseParserError as error:  # a proxy or a captive portal, whose page is no answer of AWS
            raise PlanError(
                f"what answers in place of AWS is not AWS ({str(error)[:300]}): look at HTTPS_PROXY"
            ) from error
        except (BotoCoreError, ClientError) as error:
            raise PlanError(
                f"AWS does not know these credentials ({error}): log in (aws sso login, aws configure); pytest runs "
                "without an account, on embedded AWS, with --aws-target=embedded"
            ) from error
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        self._account = Account(answer["Account"], answer["Arn"], self.region, "x-embedded-aws" in headers)
        return self._account


def _unusable(error: Exception) -> PlanError:
    return PlanError(
        f"the AWS credentials here cannot be used ({error}): correct them (aws configure), or run without an account, "
        "on embedded AWS, with --aws-target=embedded"
    )


@contextmanager
def without_metadata_probe() -> Iterator[None]:
    """A context in which boto3 asks no metadata service for keys: off EC2 none answers, which takes seconds."""
    from pytest_benchmark_aws.machine.ec2_identity import is_ec2

    name = "AWS_EC2_METADATA_DISABLED"
    if name in os.environ or is_ec2():
        yield
        return
    os.environ[name] = "true"
    try:
        yield
    finally:
        del os.environ[name]


def _endpoint_of_environment() -> str | None:
    """An endpoint of the user's own for S3, by the names that botocore reads."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _keys(session: Any) -> tuple[str, str, str | None] | None:
    """The keys that a session signs with now; None without credentials."""
    credentials = session.get_credentials()
    if credentials is None:
        return None
    frozen = credentials.get_frozen_credentials()
    return frozen.access_key, frozen.secret_key, frozen.token

"""boto3's clients, made when they are first needed, and credentials as every AWS tool finds them."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.errors import PlanError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays."""

    account_id: str
    arn: str
    region: str
    embedded: bool = False
    """Embedded AWS answered."""


class Clients:
    """One client for each service of one region, with retries and time-outs set.

    ``environment`` holds what embedded AWS exports: endpoint, region and keys; without it, boto3's own search counts.
    ``retries`` is how often a call that failed is tried again: eight are half a minute where there is no network.
    """

    def __init__(
        self,
        region: str | None,
        profile: str | None,
        environment: Mapping[str, str] | None = None,
        retries: int = 8,
    ) -> None:
        from botocore.config import Config
        from botocore.exceptions import ProfileNotFound

        given = environment or {}
        self._given, self._profile = given, profile
        # boto3 ignores AWS_REGION, which users set and every other SDK honours.
        region = (
            region or given.get("AWS_REGION") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        )
        try:
            self._session = self._open(region)
        except ProfileNotFound as error:
            raise PlanError(f"{error}: aws configure list-profiles names those there are") from error
        self.region = self._session.region_name or DEFAULT_REGION
        self.region_is_given = self._session.region_name is not None
        self._endpoint = given.get("AWS_ENDPOINT_URL")
        self._config = Config(
            retries={"mode": "standard", "max_attempts": retries},
            connect_timeout=10,
            read_timeout=60,
            signature_version=None,
            # Presigned uploads carry what we sign and nothing that a newer SDK would like to add.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"} if self._endpoint or os.environ.get("AWS_ENDPOINT_URL") else {},
            user_agent_extra="pytest-benchmark-aws",
        )
        self._account: Account | None = None
        self._made: dict[tuple[str, str], Any] = {}
        self._handlers: list[tuple[str, Any]] = []

    def _open(self, region: str | None) -> Any:
        """A session, with what credentials there are now."""
        import boto3

        return boto3.Session(
            aws_access_key_id=self._given.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=self._given.get("AWS_SECRET_ACCESS_KEY"),
            region_name=region,
            profile_name=None if self._given else self._profile,
        )

    def __call__(self, service: str, region: str | None = None) -> Any:
        """The client of a service."""
        key = service, region or self.region
        if key not in self._made:
            from botocore.config import Config

            config = self._config.merge(Config(signature_version="s3v4")) if service == "s3" else self._config
            self._made[key] = self._session.client(
                service, region_name=key[1], endpoint_url=self._endpoint, config=config
            )
        return self._made[key]

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        """Registers a handler of botocore's events, for those who record or inject; it outlives the session."""
        self._handlers.append((event, handler))
        self._session.events.register(event, handler)

    def renew(self) -> str:
        """Takes the credentials that there are now in place of those that have ended; gives what is to be said of it.

        A session reads a file of keys once (boto3's ``~/.aws/credentials``), so that keys which another tool has
        rewritten reach a new one alone. Those of another account would not see the run's instances, and are not taken.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        told = "log in again (aws sso login, or what wrote your keys), this waits and goes on"
        if self._given:
            return told
        try:
            fresh = self._open(self.region)
            if _keys(fresh) in {None, _keys(self._session)}:
                return told
            if self._account is not None:
                sts = fresh.client("sts", region_name=self.region, endpoint_url=self._endpoint, config=self._config)
                for event, handler in self._handlers:
                    sts.meta.events.register(event, handler)
                account = sts.get_caller_identity()["Account"]
                if account != self._account.account_id:
                    mine = self._account.account_id
                    return f"{told}; those that there are now are of account {account}, this run's is {mine}"
        except (BotoCoreError, ClientError, OSError) as error:  # a file half written, or keys that have ended, too
            return f"{told} ({error})"
        self._session = fresh
        self._made.clear()
        for event, handler in self._handlers:
            fresh.events.register(event, handler)
        return "there are new ones, this goes on with them"

    def has_credentials(self) -> bool:
        """Whether boto3 finds any; asks the network only where the machine is configured so."""
        return self._session.get_credentials() is not None

    def credentials_expire(self) -> datetime | None:
        """When they do; None for those that do not, and where it cannot be known."""
        expiry: datetime | None = getattr(self._session.get_credentials(), "_expiry_time", None)
        return expiry

    def account(self) -> Account:
        """The caller, by STS, asked once.

        Raises:
            PlanError: there are no credentials, or AWS refuses them.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if self._account is not None:
            return self._account
        try:
            answer = self("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise PlanError(
                f"AWS does not know these credentials ({error}): log in (aws sso login, aws configure); pytest runs "
                "without an account, on embedded AWS, with --aws-target=embedded"
            ) from error
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        self._account = Account(answer["Account"], answer["Arn"], self.region, "x-embedded-aws" in headers)
        return self._account


def regions() -> list[str]:
    """The regions of EC2 that botocore knows, in every partition; nothing is asked."""
    from botocore.session import Session

    session = Session()
    partitions = session.get_available_partitions()
    return sorted(name for partition in partitions for name in session.get_available_regions("ec2", partition))


def _keys(session: Any) -> tuple[str, str, str | None] | None:
    """What a session signs with now."""
    found = session.get_credentials()
    if found is None:
        return None
    frozen = found.get_frozen_credentials()
    return frozen.access_key, frozen.secret_key, frozen.token


def code_of(error: Exception) -> str:
    """A ClientError's code, as ``InsufficientInstanceCapacity``; empty for others."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


_DENIED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "403"})
_OF_HEAD = {"HeadBucket": "s3:ListBucket", "HeadObject": "s3:GetObject"}
"""An answer to HEAD has no body, so S3 cannot say what is lacking."""


def refusal(error: Exception) -> str:
    """The error; where the caller's policy is too narrow, first the action that it lacks, and the remedy."""
    if code_of(error) not in _DENIED:
        return str(error)
    said = re.search(r"not authorized to perform: ([a-z0-9-]+:\w+)", str(error))
    operation = str(getattr(error, "operation_name", ""))
    lacks = f"lacks {said[1]}" if said else f"may lack {_OF_HEAD.get(operation) or f'what {operation} needs'}"
    return f"the policy {lacks}: pytest-benchmark-aws policy client prints all that is needed ({error})"


@contextmanager
def planning() -> Iterator[None]:
    """What AWS refuses before the first launch, as PlanError.

    Raises:
        PlanError: in AWS's words, with what the policy lacks.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise PlanError(f"nothing was launched: {refusal(error)}") from error


_ENDED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "AuthFailure",
        # S3's words for keys that have been replaced.
        "InvalidAccessKeyId",
        "InvalidToken",
        "TokenRefreshRequired",
    }
)


@contextmanager
def reaching(clients: Clients) -> Iterator[None]:
    """What may be asked again, as UnreachableError: no network, ended credentials, AWS out of breath.

    Raises:
        UnreachableError: in the words of whoever failed, with what to do about it.
        botocore.exceptions.ClientError: AWS answered, and the answer is no.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except BotoCoreError as error:
        raise UnreachableError(f"AWS cannot be reached ({error})") from error
    except ClientError as error:
        code, status = code_of(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "InvalidInstanceID.NotFound":
            raise UnreachableError(f"EC2 does not show an instance that it made just now ({error})") from error
        if code in _ENDED:
            raise UnreachableError(f"the credentials have ended ({code}): {clients.renew()}") from error
        if status >= 500 or status == 429 or "Throttl" in code or code == "RequestLimitExceeded":
            raise UnreachableError(f"AWS is out of breath ({code})") from error
        raise

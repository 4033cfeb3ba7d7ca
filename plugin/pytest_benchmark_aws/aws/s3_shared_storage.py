"""The S3 bucket of a shared storage, which is the user's: objects are listed, read and added, never replaced."""

from __future__ import annotations

import base64
import hashlib
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws.errors import code_of, reaching, unless
from pytest_benchmark_aws.core.errors import PlanError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from pytest_benchmark_aws.aws.clients import Clients

CONFLICTS = 8
"""Tries of a write that S3 answers with 409, as another write of the same key is under way."""
_CHUNK = 1024**2
_CHANGED = ("412", "PreconditionFailed")
_CONFLICT = ("409", "ConditionalRequestConflict", "OperationAborted")
_DENIED = frozenset({"403", "AccessDenied", "AllAccessDisabled"})
_LOGIN = frozenset(
    {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "TokenRefreshRequired"}
)
NO_CREDENTIALS = (
    "no AWS credentials were found: log in (aws sso login, aws configure), or name a profile with --aws-profile or "
    "AWS_PROFILE; those that embedded AWS makes for itself do not count here"
)


@dataclass(frozen=True, slots=True)
class Remote:
    """An object as a listing shows it."""

    etag: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Objects:
    """A bucket that somebody else made.

    ``owner`` is the account that it must belong to, None for the caller's own: every call says so, so that a squatted
    name is never read or written. Every call raises PlanError where the bucket is missing or the policy does not allow
    it, UnreachableError where AWS cannot be asked now: no network, no credentials, or AWS out of breath.
    """

    clients: Clients
    bucket: str
    owner: str | None = None
    sleep: Callable[[float], None] = time.sleep

    def endpoint(self) -> str:
        """The URL of S3, as boto3 finds it without a request.

        Raises:
            PlanError: AWS's configuration on this machine makes no client.
        """
        from botocore.exceptions import BotoCoreError

        try:
            return str(self.clients("s3").meta.endpoint_url)
        except (BotoCoreError, ValueError) as error:
            raise PlanError(f"no S3 client can be made of this machine's AWS configuration: {error}") from error

    def listing(self, prefix: str) -> dict[str, Remote]:
        """Key -> object, of all objects under a prefix."""
        with self._answers():
            pages = self.clients("s3").get_paginator("list_objects_v2").paginate(Prefix=prefix, **self._own())
            return {
                item["Key"]: Remote(item["ETag"], int(item["Size"]))
                for page in pages
                for item in page.get("Contents", ())
            }

    def download(self, key: str, remote: Remote, into: BinaryIO) -> bool:
        """Writes the content of an object that was listed; False where it is gone or another by now.

        Raises:
            UnreachableError: also where the answer broke off or its checksum is wrong: nothing of it may be used.
        """
        with self._answers():
            answer = self._get(key, IfMatch=remote.etag)
            if answer is None:
                return False
            size = 0
            with answer["Body"] as body:
                while size <= remote.size and (chunk := body.read(_CHUNK)):
                    size += len(chunk)
                    into.write(chunk)
        if size != remote.size:
            raise UnreachableError(f"s3://{self.bucket}/{key}: {size:,} of {remote.size:,} bytes came")
        return True

    def holds(self, key: str, data: bytes) -> Remote | None:
        """The object where its content is ``data``; None where it has other content, or is gone."""
        with self._answers():
            answer = self._get(key)
            if answer is None:
                return None
            with answer["Body"] as body:
                same = body.read(len(data) + 1) == data
        return Remote(answer["ETag"], len(data)) if same else None

    def add(self, key: str, data: bytes) -> Remote | None:
        """Adds an object under a key that has none, and returns it; None where the key has one.

        Raises:
            UnreachableError: whether it was written is not known.
        """
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        for attempt in range(CONFLICTS):
            with self._answers(), unless(*_CONFLICT):
                with unless(*_CHANGED):
                    arguments = {"IfNoneMatch": "*", "ChecksumSHA256": digest, "ContentType": "application/json"}
                    answer = self.clients("s3").put_object(Key=key, Body=data, **arguments, **self._own())
                    return Remote(answer["ETag"], len(data))
                return None
            self.sleep(random.uniform(0, min(5.0, 0.1 * 2**attempt)))
        raise UnreachableError(f"s3://{self.bucket}/{key}: other writes of this key got in the way {CONFLICTS} times")

    def _get(self, key: str, **extra: str) -> dict[str, Any] | None:
        with unless("404", "NoSuchKey", *_CHANGED):
            answer: dict[str, Any] = self.clients("s3").get_object(
                Key=key, ChecksumMode="ENABLED", **extra, **self._own()
            )
            return answer
        return None

    def _own(self) -> dict[str, str]:
        """The arguments that name the bucket and its owner."""
        owner = self.owner
        if owner is None:
            try:
                owner = self.clients.account().account_id
            except PlanError as error:
                raise UnreachableError(
                    f"AWS does not say whose credentials these are ({error.__cause__}): log in (aws sso login, aws "
                    "configure), or check the network"
                ) from error
        return {"Bucket": self.bucket, "ExpectedBucketOwner": owner}

    @contextmanager
    def _answers(self) -> Iterator[None]:
        """A context in which final errors become PlanError, and those that may pass UnreachableError."""
        from botocore.exceptions import ClientError

        try:
            with reaching(self.clients):
                try:
                    yield
                except ClientError as error:
                    if code_of(error) in _LOGIN:
                        raise UnreachableError(
                            f"S3 does not take these credentials ({code_of(error)}): log in again (aws sso login, aws "
                            "configure)"
                        ) from error
                    raise
        except ClientError as error:
            code = code_of(error)
            if code == "NoSuchBucket":
                raise PlanError(
                    f"s3://{self.bucket}: there is no such bucket, and it is not made for you: check the name, or make "
                    f"it with: aws s3 mb s3://{self.bucket}"
                ) from error
            if code in _DENIED:
                whose = f"account {self.owner}" if self.owner else "your own account"
                raise PlanError(
                    f"s3://{self.bucket}: access denied ({error}); the bucket was expected to belong to {whose}: for "
                    "another's, add ?owner=<its 12 digits> to the URL; the policy that is needed is printed by: "
                    f"pytest-benchmark-aws policy storage --bucket {self.bucket}"
                ) from error
            raise PlanError(f"s3://{self.bucket}: S3 refuses: {error}") from error

"""The S3 bucket that runs ship their archives and results through, and presigned URLs of its objects."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws.errors import code_of, refusal, unless
from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_benchmark_aws.aws.clients import Account, Clients

_OWN_NAME = "pytest-benchmark-aws-"
CONFLICTS = 8
"""Tries of a call that a new bucket is not ready for: about 40 s."""
RETENTION_DAYS = 14
"""After which S3 deletes an object."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and the account that must own it: every call says so, so that a squatted name is never written to."""

    clients: Clients
    name: str
    owner: str
    sleep: Callable[[float], object] = time.sleep

    def _client(self) -> Any:
        return self.clients("s3")

    @property
    def _own(self) -> dict[str, str]:
        return {"Bucket": self.name, "ExpectedBucketOwner": self.owner}

    def problems(self) -> list[str]:
        """Why runs of this region cannot use the bucket; nothing where they can, or where it is still to be made.

        A presigned URL is signed for one region, and S3 refuses it in another.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client().head_bucket(**self._own)
        except ClientError as error:
            return [] if code_of(error) in {"404", "NoSuchBucket"} else [str(self._cannot_be_used(error))]
        except BotoCoreError as error:
            return [f"bucket {self.name} cannot be asked for ({error})"]
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        region = str(answer.get("BucketRegion") or headers.get("x-amz-bucket-region") or self.clients.region)
        if region == self.clients.region:
            return []
        return [
            f"bucket {self.name} is in {region}, the run is in {self.clients.region}: name one of that region with "
            "--aws-bucket, or run there with --aws-region"
        ]

    def ensure(self) -> None:
        """Makes the bucket where it is missing: private, encrypted, its objects expiring.

        One of the account's own that an earlier run made and did not finish is completed.

        Raises:
            PlanError: the name belongs to somebody else.
        """
        from botocore.exceptions import ClientError

        client = self._client()
        try:
            client.head_bucket(**self._own)
            if not self.name.startswith(_OWN_NAME):
                return
        except ClientError as error:
            if code_of(error) not in {"404", "NoSuchBucket"}:
                raise self._cannot_be_used(error) from error
            region = self.clients.region
            where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            words = {"Bucket": self.name, "ObjectOwnership": "BucketOwnerEnforced", **where}
            with unless("BucketAlreadyOwnedByYou"):  # by a try of this whose answer was lost
                self._settled(lambda: client.create_bucket(**words))
        if self._is_complete():
            return
        blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
        expire = {
            "ID": "expire",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": RETENTION_DAYS},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        own = self._own
        public = dict.fromkeys(blocks, True)
        self._settled(lambda: client.put_public_access_block(**own, PublicAccessBlockConfiguration=public))
        self._settled(lambda: client.put_bucket_encryption(**own, ServerSideEncryptionConfiguration=encryption))
        # The last of them, by which a later run knows that all are set.
        rules = {"Rules": [expire]}
        self._settled(lambda: client.put_bucket_lifecycle_configuration(**own, LifecycleConfiguration=rules))

    def _is_complete(self) -> bool:
        """Whether an earlier run came to the last of the bucket's settings."""
        with unless("NoSuchLifecycleConfiguration", "NoSuchBucket"):
            return bool(self._client().get_bucket_lifecycle_configuration(**self._own).get("Rules"))
        return False

    def _settled(self, call: Callable[[], object]) -> None:
        """Calls until S3 knows of the bucket everywhere.

        Just after it was made, a call may be answered with 409 OperationAborted or 404 NoSuchBucket
        (terraform-provider-aws #7628).
        """
        from botocore.exceptions import ClientError

        for attempt in range(CONFLICTS):
            try:
                call()
                return
            except ClientError as error:
                if code_of(error) not in {"OperationAborted", "NoSuchBucket"} or attempt == CONFLICTS - 1:
                    raise
            self.sleep(min(2.0**attempt, 10.0))

    def _cannot_be_used(self, error: Exception) -> PlanError:
        return PlanError(
            f"bucket {self.name} cannot be used ({refusal(error)}): it must belong to account {self.owner}; "
            "name another with --aws-bucket"
        )

    def has(self, key: str, size: int) -> bool:
        """Whether an object of that size, in bytes, is there."""
        with unless("404", "NoSuchKey", "NoSuchBucket"):
            return int(self._client().head_object(**self._own, Key=key)["ContentLength"]) == size
        return False

    def put(self, key: str, data: bytes | Path) -> None:
        """Uploads an object; a file is streamed."""
        with io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as body:
            self._client().put_object(**self._own, Key=key, Body=body)

    def delete(self, key: str) -> None:
        """Deletes an object; one that is not there is no error."""
        self._client().delete_object(**self._own, Key=key)

    def get(self, key: str, limit: int) -> bytes | None:
        """An object's content; None where it is not there.

        Raises:
            ValueError: it is larger than ``limit`` bytes; no more than that is read.
        """
        from botocore.exceptions import ClientError

        try:
            with self._client().get_object(**self._own, Key=key)["Body"] as body:
                data: bytes = body.read(limit + 1)
        except ClientError as error:
            # To who may not list, S3 says of a missing key that it is denied (S3 API reference, GetObject): it is
            # missing where the listing works and does not hold it.
            is_denied = code_of(error) in {"403", "AccessDenied"}
            if code_of(error) in {"404", "NoSuchKey"} or (is_denied and key not in self.listing(key)):
                return None
            raise
        if len(data) > limit:
            raise ValueError(f"{key}: more than {limit:,} bytes")
        return data

    def listing(self, prefix: str) -> dict[str, str]:
        """Key -> entity tag of all objects under a prefix; an object that changed has another tag."""
        pages = self._client().get_paginator("list_objects_v2").paginate(**self._own, Prefix=prefix)
        return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", ())}

    def url(self, method: str, key: str, seconds: int, **extra: str) -> str:
        """A presigned URL of an S3 method such as ``put_object``, valid for so many seconds.

        ``extra`` is signed too, so that whoever uses the URL must send it as headers.
        """
        params = {"Bucket": self.name, "Key": key, **extra}
        return str(self._client().generate_presigned_url(method, Params=params, ExpiresIn=seconds))


def run_bucket(clients: Clients, name: str | None) -> Bucket:
    """The bucket of the caller's runs: that of the name, else the account's own for us. Only the account is asked."""
    account = clients.account()
    return Bucket(clients, name, account.account_id) if name else default_bucket(clients, account)


def default_bucket(clients: Clients, account: Account) -> Bucket:
    """The account's bucket for us: its id and region are in the name, so that no other holds the name by chance."""
    return Bucket(clients, f"pytest-benchmark-aws-{account.account_id}-{account.region}", account.account_id)

"""The S3 bucket that runs ship their archives and results through, and presigned URLs of its objects."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws.errors import code_of, refusal, unless
from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark_aws.aws.clients import Account, Clients

KEPT_DAYS = 14
"""After which S3 deletes an object."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and the account that must own it: every call says so, so that a squatted name is never written to."""

    clients: Clients
    name: str
    owner: str

    def _client(self) -> Any:
        return self.clients("s3")

    @property
    def _own(self) -> dict[str, str]:
        return {"Bucket": self.name, "ExpectedBucketOwner": self.owner}

    def ensure(self) -> None:
        """Makes the bucket where it is missing: private, encrypted, its objects expiring.

        Raises:
            PlanError: the name belongs to somebody else.
        """
        from botocore.exceptions import ClientError

        client = self._client()
        try:
            client.head_bucket(**self._own)
            return
        except ClientError as error:
            if code_of(error) not in {"404", "NoSuchBucket"}:
                raise PlanError(
                    f"bucket {self.name} cannot be used ({refusal(error)}): it must belong to account {self.owner}; "
                    "name another with --aws-bucket"
                ) from error
        region = self.clients.region
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client.create_bucket(Bucket=self.name, ObjectOwnership="BucketOwnerEnforced", **where)
        blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        client.put_public_access_block(**self._own, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))
        encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
        client.put_bucket_encryption(**self._own, ServerSideEncryptionConfiguration=encryption)
        expire = {
            "ID": "expire",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": KEPT_DAYS},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        client.put_bucket_lifecycle_configuration(**self._own, LifecycleConfiguration={"Rules": [expire]})

    def has(self, key: str, size: int) -> bool:
        """Whether an object of that size, in bytes, is there."""
        with unless("404", "NoSuchKey", "NoSuchBucket"):
            return int(self._client().head_object(**self._own, Key=key)["ContentLength"]) == size
        return False

    def put(self, key: str, data: bytes | Path) -> None:
        """Uploads an object; a file is streamed."""
        with io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as body:
            self._client().put_object(**self._own, Key=key, Body=body)

    def get(self, key: str, limit: int) -> bytes | None:
        """An object's content; None where it is not there.

        Raises:
            ValueError: it is larger than ``limit`` bytes; no more than that is read.
        """
        with unless("404", "NoSuchKey"):
            with self._client().get_object(**self._own, Key=key)["Body"] as body:
                data: bytes = body.read(limit + 1)
            if len(data) > limit:
                raise ValueError(f"{key}: more than {limit:,} bytes")
            return data
        return None

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

"""``s3://bucket/prefix`` as a storage of results: which URLs name one, and which object keys are results of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_benchmark_aws.core.errors import PlanError

SCHEME = "s3://"
LARGEST = 256 * 1024**2
"""Bytes of a result file that is still taken; a thousand benchmarks with all their rounds are a few MiB."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=@+-]*", re.ASCII)
_OURS = re.compile(r"pytest-benchmark-aws-[0-9]{12}-[a-z0-9-]+", re.ASCII)
_OWNER = re.compile(r"owner=([0-9]{12})", re.ASCII)
_HOW = "give s3://bucket/prefix, as in s3://my-team/benchmarks"


@dataclass(frozen=True, slots=True)
class StorageUrl:
    """Where a team keeps its results."""

    bucket: str
    prefix: str
    """Without slashes at its ends; empty for the whole bucket."""
    owner: str | None
    """Account that the bucket belongs to, 12 digits; None: the caller's own."""

    @classmethod
    def parse(cls, text: str) -> StorageUrl:
        """The parts of ``s3://bucket/prefix`` or ``s3://bucket/prefix?owner=123456789012``.

        Raises:
            PlanError: it is no such URL, with what is wrong about it.
        """

        def wrong(why: str) -> PlanError:
            return PlanError(f"--benchmark-storage={text!r}: {why}; {_HOW}")

        if not text.startswith(SCHEME):
            raise wrong("no s3:// URL")
        whole, mark, query = text.removeprefix(SCHEME).partition("?")
        owner = _OWNER.fullmatch(query)
        if mark and owner is None:
            raise wrong("after the ? only owner=<12 digits of the bucket's account> may stand")
        bucket, _, prefix = whole.partition("/")
        if not _BUCKET.fullmatch(bucket) or ".." in bucket or re.fullmatch(r"[0-9.]+", bucket):
            raise wrong(
                f"{bucket!r} is no bucket's name, which has 3 to 63 lower-case letters, digits, dashes and points"
            )
        if _OURS.fullmatch(bucket):
            raise wrong(f"{bucket} is the bucket that runs send their bundles through, whose objects expire")
        prefix = prefix.removesuffix("/")
        if len(prefix) > 512:
            raise wrong(f"the prefix has {len(prefix)} characters, 512 at most")
        for part in prefix.split("/") if prefix else ():
            if not _PART.fullmatch(part):
                raise wrong(
                    f"the prefix's part {part!r} must begin with a letter, a digit or _, and go on with these or one "
                    "of . - = @ +"
                )
        return cls(bucket, prefix, owner[1] if owner else None)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def key_prefix(self) -> str:
        """What each key begins with: the prefix with a slash, so that ``a`` never lists ``ab/``."""
        return f"{self.prefix}/" if self.prefix else ""


def refusal(name: str, size: int) -> str | None:
    """Why a key, without its prefix, cannot be a file of the cache; None where it can.

    Whoever may write to the bucket chooses the keys, so that each is looked at as hostile.
    """
    parts = name.split("/")
    reasons = (
        ("" in parts, "an empty part of the path"),
        ("\\" in name or not name.isprintable(), "a backslash or a character that cannot be printed"),
        (len(parts) > 2, f"{len(parts)} levels deep, <instance type>/NNNN_name.json has 2"),
        (any(part.startswith(".") for part in parts), "a part of the path that begins with a point"),
        (any(len(part.encode()) > 255 for part in parts), "a part of the path longer than 255 bytes"),
        (size > LARGEST, f"{size:,} bytes, {LARGEST:,} at most"),
    )
    return next((reason for holds, reason in reasons if holds), None)

"""A launch's result from the bucket: fetched whole, checked, else refused and kept aside."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core import guest_result

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from pytest_benchmark_aws.core.guest_result import Envelope

ATTEMPTS = 3
"""Times that a result is fetched which is not what ``done`` says."""
_DONE_LIMIT = 2**20


@dataclass(frozen=True, slots=True)
class Refused:
    """A result that is not taken."""

    why: str
    data: bytes
    """As much of it as was read."""

    def keep(self, path: Path) -> str:
        """Writes what was read for whoever looks into it, and says where."""
        try:
            path.write_bytes(self.data)
        except OSError as error:
            return f"and not kept ({error})"
        return f"kept as {path}"


def fetch(bucket: Bucket, prefix: str, limit: int) -> Envelope | Refused | None:
    """The result under a prefix; None where the guest has not said that it is there.

    At most ``limit`` bytes are read of it.
    """
    try:
        told = bucket.get(f"{prefix}/done", _DONE_LIMIT)
    except ValueError as error:
        return Refused(str(error), b"")
    if told is None:
        return None
    try:
        done: Any = json.loads(told)
        size, digest = done["size"], done["sha256"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        return Refused(f"its digest cannot be read ({type(error).__name__})", told)
    return _fetch_whole(bucket, f"{prefix}/data", size, digest, limit)


def _fetch_whole(bucket: Bucket, key: str, size: int, digest: str, limit: int) -> Envelope | Refused:
    why, data = "", b""
    for _ in range(ATTEMPTS):
        try:
            data = bucket.get(key, limit) or b""
            if len(data) != size:
                why = f"{len(data):,} bytes, {size} were delivered"
            elif hashlib.sha256(data).hexdigest() != digest:
                why = "its SHA-256 is not the delivered one"
            else:
                return guest_result.parse(data)
        except ValueError as error:  # more of the same would come
            return Refused(str(error), data)
    return Refused(why, data)

"""What guests put into the bucket: read again only where it changed, checked, else refused and kept aside."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws import ec2
from pytest_benchmark_aws.backends.ec2 import errors
from pytest_benchmark_aws.backends.protocol import Outcome
from pytest_benchmark_aws.core import guest_result
from pytest_benchmark_aws.core.values.file_names import safe_name

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from pytest_benchmark_aws.backends.protocol import Handle, Site
    from pytest_benchmark_aws.core.guest_result import Envelope

ATTEMPTS = 3
"""Times that a result is fetched which is not what ``done`` says."""
RESULT_LIMIT = 256 * 2**20
"""Bytes of a result that are read; more is refused."""
LOG_LIMIT = 2 * 2**20
"""Bytes of a log that are read: twice what an agent sends."""
_SMALL_LIMIT = 2**20
"""Bytes of a heartbeat or of ``done`` that are read."""


@dataclass(slots=True)
class Uploads:
    """One run's uploads, as of the last look."""

    bucket: Bucket
    run_id: str
    _tags: dict[str, str] = field(default_factory=dict)
    """Key -> entity tag."""
    _bodies: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Key -> the entity tag of what was read, and that."""

    def look(self) -> None:
        """One listing for all launches."""
        self._tags = self.bucket.listing(f"runs/{self.run_id}/")

    def has(self, key: str) -> bool:
        """Whether it was there at the last look."""
        return key in self._tags

    def text(self, key: str) -> str:
        """A text; empty where there was none at the last look."""
        return self._body(key, LOG_LIMIT).decode("utf-8", "replace")

    def json(self, key: str) -> dict[str, Any]:
        """A JSON object; empty where there was none at the last look, or it is something else."""
        try:
            value = json.loads(self._body(key, _SMALL_LIMIT))
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def _body(self, key: str, limit: int) -> bytes:
        tag = self._tags.get(key)
        if tag is None:
            return b""
        if key not in self._bodies or self._bodies[key][0] != tag:
            self._bodies[key] = tag, self.fresh(key, limit)
        return self._bodies[key][1]

    def fresh(self, key: str, limit: int) -> bytes:
        """An object as it is now; nothing where there is none, or one that is too large to be a guest's."""
        try:
            return self.bucket.get(key, limit) or b""
        except ValueError:
            return b""


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


def collect(site: Site, uploads: Uploads, handle: Handle, limit: int) -> Outcome:
    """What a launch brought home so far: its result or, without one, what was uploaded until the end."""
    prefix = site.prefix(handle.job, handle.placement.attempt)
    log = uploads.fresh(f"{prefix}/log", LOG_LIMIT).decode("utf-8", "replace")
    result = fetch(site.bucket, prefix, limit)
    if isinstance(result, Refused):  # nothing of such a guest is taken
        name = f"{safe_name(handle.job.name)}-{handle.placement.attempt}.quarantined"
        text = f"error: the result is refused: {result.why}; {result.keep(site.folder / name)}"
        return Outcome(text, (), {}, log, whole=True)
    if result is not None:
        cause = errors.cause_of(result.outcome) if result.outcome.startswith("spot:") else ""
        return Outcome(result.outcome, result.lines, result.facts, log, whole=True, cause=cause)
    lines = guest_result.parse_lines(uploads.fresh(f"{prefix}/checkpoint", limit))
    if not log:
        log = _console(site.clients, handle.instance_id)
    return Outcome("error: the instance ended before it delivered a result", lines, {}, log, whole=False)


def _console(clients: Clients, instance_id: str) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return ec2.console_output(clients, instance_id)
    except (BotoCoreError, ClientError) as error:
        return f"no log and no console output ({error})"


def fetch(bucket: Bucket, prefix: str, limit: int) -> Envelope | Refused | None:
    """The result under a prefix; None where the guest has not said that it is there.

    At most ``limit`` bytes are read of it.
    """
    try:
        text = bucket.get(f"{prefix}/done", _SMALL_LIMIT)
    except ValueError as error:
        return Refused(str(error), b"")
    if text is None:
        return None
    try:
        done: Any = json.loads(text)
        size, digest = done["size"], done["sha256"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        return Refused(f"its digest cannot be read ({type(error).__name__})", text)
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

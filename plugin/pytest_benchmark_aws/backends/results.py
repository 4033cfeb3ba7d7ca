"""What guests put into the bucket: read again only where it changed, checked; what is refused is kept aside."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends.agent_archive import CHECKPOINT_PARTS, checkpoint_key, member_key
from pytest_benchmark_aws.backends.protocol import Outcome
from pytest_benchmark_aws.core import guest_result
from pytest_benchmark_aws.core.values.file_names import safe_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from pytest_benchmark_aws.backends.protocol import Cause, Handle, Site
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
        return _keep(path, self.data)


def with_place(lines: Sequence[dict[str, Any]], data: bytes, path: Path) -> tuple[dict[str, Any], ...]:
    """The lines, those that are refused with where the bytes of all are kept now."""
    if not any(line["kind"] == guest_result.REFUSED for line in lines):
        return tuple(lines)
    place = _keep(path, data)
    return tuple(
        {**line, "text": f"{line['text']}; {place}"} if line["kind"] == guest_result.REFUSED else line for line in lines
    )


def _keep(path: Path, data: bytes) -> str:
    try:
        path.write_bytes(data)
    except OSError as error:
        return f"and not kept ({error})"
    return f"kept as {path}"


def checkpoint(bucket: Bucket, prefix: str, limit: int) -> bytes:
    """The checkpoint under a prefix, put together from its parts; of one that is too large, those that are not.

    A part that is missing ends it: the guest was killed before it uploaded more.
    """
    parts: list[bytes] = []
    for number in range(CHECKPOINT_PARTS):
        try:
            part = bucket.get(checkpoint_key(prefix, number), limit - sum(map(len, parts)))
        except ValueError:
            break
        if part is None:
            break
        parts.append(part)
    return b"".join(parts)


def member_outcomes(uploads: Uploads, handle: Handle, prefix: str) -> dict[int, str]:
    """How the machines of a group that do not lead said that they ended, by their place, as of the last look."""
    keys = {place: member_key(prefix, place, "done") for place in range(1, handle.job.count)}
    return {place: str(uploads.json(key).get("outcome", "")) for place, key in keys.items() if uploads.has(key)}


@dataclass(frozen=True, slots=True)
class Place:
    """What differs from backend to backend where a result is read."""

    noun: str
    """Of a launch, as ``instance``."""
    cause_of: Callable[[str], Cause]
    """Whose doing an end was, by the guest's outcome."""
    console: Callable[[Handle], str]
    """What is to be read where the guest uploaded no log."""
    limit: int = RESULT_LIMIT
    """Bytes of a result."""
    machines: tuple[str, ...] = ()
    """Names of a group's machines, the first leads."""
    machine_console: Callable[[str], str] = lambda _: ""
    """The same of one of these."""


def _logs(uploads: Uploads, handle: Handle, prefix: str, place: Place, *, whole: bool) -> str:
    """The log of the machine that leads, after those of the others of its group.

    Of a launch that did not deliver, the console of a machine that uploaded none.
    """
    count, own = handle.job.count, uploads.fresh(f"{prefix}/log", LOG_LIMIT).decode("utf-8", "replace")
    own = own or ("" if whole else place.console(handle))
    if count == 1:
        return own
    names, texts = (place.machines if len(place.machines) == count else ("",) * count), []
    for index in range(1, count):
        log = uploads.fresh(member_key(prefix, index, "log"), LOG_LIMIT).decode("utf-8", "replace")
        log = log or ("" if whole or not names[index] else place.machine_console(names[index]))
        texts.append(f"--- machine {index + 1} of {count} {names[index]} ---\n{log}\n")
    return "".join([*texts, f"--- machine 1 of {count} {names[0]} ---\n{own}"])  # of a long log the end is shown


def collect(site: Site, uploads: Uploads, handle: Handle, place: Place) -> Outcome:
    """What a launch brought home so far: its result or, without one, what was uploaded until the end."""
    prefix = site.prefix(handle.job, handle.placement.attempt)
    quarantine = site.folder / f"{safe_name(handle.job.name)}-{handle.placement.attempt}.quarantined"
    result = fetch(site.bucket, prefix, place.limit)
    log = _logs(uploads, handle, prefix, place, whole=result is not None)
    if isinstance(result, Refused):  # of such a result nothing can be taken
        text = f"error: the result is refused: {result.why}; {result.keep(quarantine)}"
        return Outcome(text, (), {}, log, whole=True)
    if result is not None:
        envelope, data = result
        cause = place.cause_of(envelope.outcome) if envelope.outcome.startswith("spot:") else ""
        lines = with_place(envelope.lines, data, quarantine)
        return Outcome(envelope.outcome, lines, envelope.facts, log, whole=True, cause=cause)
    data = checkpoint(site.bucket, prefix, place.limit)
    lines = with_place(guest_result.parse_lines(data), data, quarantine)
    text = f"error: the {place.noun} ended before it delivered a result"
    return Outcome(text, lines, {}, log, whole=False)


def fetch(bucket: Bucket, prefix: str, limit: int) -> tuple[Envelope, bytes] | Refused | None:
    """The result under a prefix, with its bytes; None where the guest has not said that it is there.

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
    if type(size) is not int or size.bit_length() > 63 or not (isinstance(digest, str) and len(digest) == 64):
        return Refused("its digest cannot be read (no size, or no SHA-256)", text)
    return _fetch_whole(bucket, f"{prefix}/data", size, digest, limit)


def _fetch_whole(bucket: Bucket, key: str, size: int, digest: str, limit: int) -> tuple[Envelope, bytes] | Refused:
    why, data = "", b""
    for _ in range(ATTEMPTS):
        try:
            data = bucket.get(key, limit) or b""
            if len(data) != size:
                why = f"{len(data):,} bytes, {size:,} were delivered"
            elif hashlib.sha256(data).hexdigest() != digest:
                why = "its SHA-256 is not the delivered one"
            else:
                return guest_result.parse(data), data
        except ValueError as error:  # more of the same would come
            return Refused(str(error), data)
    return Refused(why, data)

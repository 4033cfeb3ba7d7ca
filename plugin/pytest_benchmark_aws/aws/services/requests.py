"""What is asked of a managed service: requests, how they were answered, and the bytes there and back."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

THROTTLED = frozenset(
    {
        "LimitExceededException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown",
        "Throttling", "ThrottlingException", "TooManyRequestsException",
    }
)  # fmt: skip
"""Codes of AWS that mean: slower; as in botocore's retry.json."""
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


@dataclass(slots=True)
class Counts:
    """What was asked and answered while it was watched; an attempt that is tried again counts each time."""

    attempts: int = 0
    throttled: int = 0
    errors: int = 0
    """Answers that are errors, without those that throttle, and attempts without an answer."""
    bytes_out: int = 0
    bytes_in: int = 0
    """Of bodies, as far as their length is said."""
    without_length: int = 0
    """Answers that do not say it: streams."""

    def sent(self, request: Any, **_: Any) -> None:
        """Notes a request that goes out."""
        self.attempts += 1
        body = getattr(request, "body", None)
        self.bytes_out += len(body) if isinstance(body, (bytes, str)) else 0

    def answered(self, response_dict: Any, parsed_response: Any, exception: Any, **_: Any) -> None:
        """Notes what came back."""
        if exception is not None or response_dict is None:
            self.errors += 1
            return
        code = (parsed_response or {}).get("Error", {}).get("Code", "")
        if code in THROTTLED:
            self.throttled += 1
        elif response_dict.get("status_code", 200) >= 400:
            self.errors += 1
        length = str(response_dict.get("headers", {}).get("content-length", ""))
        if length.isdigit():
            self.bytes_in += int(length)
        else:
            self.without_length += 1


@contextmanager
def watched(client: Any) -> Iterator[Counts]:
    """Counts what a client asks."""
    counts = Counts()
    events = client.meta.events
    events.register("before-send", counts.sent)
    events.register("response-received", counts.answered)
    try:
        yield counts
    finally:
        events.unregister("before-send", counts.sent)
        events.unregister("response-received", counts.answered)


def error_code(error: Exception) -> str:
    """AWS's code of an error; empty of one that is none of AWS's."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def sdk() -> str:
    """The SDK that asks, with its versions."""
    import boto3
    import botocore

    return f"boto3 {boto3.__version__}, botocore {botocore.__version__}"

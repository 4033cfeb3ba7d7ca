"""The EC2 actions that are answered here, not by moto."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import REQUEST_ID, AwsError
from pytest_benchmark_aws.embedded.ec2.lifecycle import BY_USER, Lifecycle, Record
from pytest_benchmark_aws.embedded.ec2.run_instances import RunInstances
from pytest_benchmark_aws.embedded.pricing import spot_price_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.state import State

Answer = tuple[int, bytes]


class Ec2:
    """EC2 as far as moto's differs from it; the rest goes to moto."""

    def __init__(self, state: State, lifecycle: Lifecycle) -> None:
        self._state = state
        self._lifecycle = lifecycle
        self._run_instances = RunInstances(state, lifecycle)
        self._actions: dict[str, Callable[[AwsRequest], bytes]] = {
            "TerminateInstances": self._terminate,
            "StopInstances": self._stop,
            "StartInstances": self._start,
            "GetConsoleOutput": self._console,
            "DescribeSpotPriceHistory": spot_price_history,
        }

    def __call__(self, request: AwsRequest, moto: Callable[[], Answer]) -> Answer:
        """The answer to a call; ``moto`` makes its own."""
        with self._state.lock:
            moto_models.backend(request.region)  # its images are there before anybody asks
            if request.action == "RunInstances":
                return self._run_instances(request, moto)
            act = self._actions.get(request.action)
            if act is not None:
                return 200, act(request)
            return moto()

    def _records(self, request: AwsRequest) -> list[Record]:
        ids = request.listed("InstanceId")
        if not ids:
            raise AwsError("MissingParameter", "The request must contain the parameter InstanceId")
        moto_models.find_instances(request.region, ids)  # one that is unknown, and nothing happens to any
        if request.dry_run:
            raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        return [self._lifecycle.find(identity) for identity in ids]

    def _terminate(self, request: AwsRequest) -> bytes:
        records = self._records(request)
        for record in records:
            if record.instance.disable_api_termination is True:
                raise AwsError(
                    "OperationNotPermitted",
                    f"The instance '{record.instance.id}' may not be terminated. Modify its "
                    "'disableApiTermination' instance attribute and try again.",
                )
        return _changes("Terminate", [(one.instance.id, *self._lifecycle.end(one, BY_USER)) for one in records])

    def _stop(self, request: AwsRequest) -> bytes:
        records = self._records(request)
        return _changes("Stop", [(one.instance.id, *self._lifecycle.end(one, BY_USER, "stopped")) for one in records])

    def _start(self, request: AwsRequest) -> bytes:
        return _changes("Start", [(one.instance.id, *self._lifecycle.start(one)) for one in self._records(request)])

    def _console(self, request: AwsRequest) -> bytes:
        record = self._lifecycle.find(request.params.get("InstanceId", ""))
        output = base64.b64encode(record.guest.console()).decode()
        now = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.000Z}"
        return _document(
            "GetConsoleOutput",
            f"<instanceId>{record.instance.id}</instanceId><timestamp>{now}</timestamp><output>{output}</output>",
        )


def _changes(verb: str, changes: list[tuple[str, str, str]]) -> bytes:
    def state(element: str, name: str) -> str:
        return f"<{element}><code>{moto_models.STATE_CODES[name]}</code><name>{name}</name></{element}>"

    items = "".join(
        f"<item><instanceId>{identity}</instanceId>{state('currentState', now)}{state('previousState', before)}</item>"
        for identity, before, now in changes
    )
    return _document(f"{verb}Instances", f"<instancesSet>{items}</instancesSet>")


def _document(action: str, content: str) -> bytes:
    return (
        f'<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>{REQUEST_ID}</requestId>'
        f"{content}</{action}Response>"
    ).encode()

"""The EC2 actions that embedded AWS answers in place of moto; RunInstances has a module of its own."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import REQUEST_ID, AwsError
from pytest_benchmark_aws.embedded.ec2.lifecycle import BY_USER, Lifecycle, Record
from pytest_benchmark_aws.embedded.ec2.run_instances import RunInstances
from pytest_benchmark_aws.embedded.ec2.spot import spot_price_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.state import State

Answer = tuple[int, bytes]


class Ec2:
    """EC2 where moto's behaves otherwise; moto answers the rest."""

    def __init__(self, state: State, lifecycle: Lifecycle) -> None:
        self._state = state
        self._lifecycle = lifecycle
        self._run_instances = RunInstances(state, lifecycle)
        self._actions: dict[str, Callable[[AwsRequest], bytes]] = {
            "TerminateInstances": self._terminate,
            "StopInstances": self._stop,
            "StartInstances": self._start,
            "GetConsoleOutput": self._console,
            "DescribeSpotPriceHistory": lambda request: _document(request.action, spot_price_history(request)),
        }

    def __call__(self, request: AwsRequest, moto: Callable[[], Answer]) -> Answer:
        """The HTTP status and body that answer a call; ``moto`` makes moto's own."""
        with self._state.lock:
            moto_models.ec2_backend(request.region)  # its images are there before anybody asks
            if request.action == "RunInstances":
                return self._run_instances(request, moto)
            act = self._actions.get(request.action)
            if act is not None:
                return 200, act(request)
            return moto()

    def _records(self, request: AwsRequest) -> list[Record]:
        """The instances that a call names, all of which must exist."""
        ids = request.listed("InstanceId")
        if not ids:
            raise AwsError("MissingParameter", "The request must contain the parameter InstanceId")
        moto_models.find_instances(request.region, ids)  # an unknown id stops the whole call
        request.end_dry_run()
        return [self._lifecycle.find(instance_id) for instance_id in ids]

    def _terminate(self, request: AwsRequest) -> bytes:
        records = self._records(request)
        for record in records:
            if record.instance.disable_api_termination is True:
                raise AwsError(
                    "OperationNotPermitted",
                    f"The instance '{record.instance.id}' may not be terminated. Modify its "
                    "'disableApiTermination' instance attribute and try again.",
                )
        return _changes("Terminate", [(record, *self._lifecycle.end(record, BY_USER)) for record in records])

    def _stop(self, request: AwsRequest) -> bytes:
        records = self._records(request)
        return _changes("Stop", [(record, *self._lifecycle.end(record, BY_USER, "stopped")) for record in records])

    def _start(self, request: AwsRequest) -> bytes:
        records = self._records(request)
        return _changes("Start", [(record, *self._lifecycle.start(record)) for record in records])

    def _console(self, request: AwsRequest) -> bytes:
        record = self._lifecycle.find(request.params.get("InstanceId", ""))
        latest = request.params.get("Latest", "").lower() == "true"
        shown = latest or not self._state.settings.console_is_late
        output = base64.b64encode(record.guest.console() if shown else b"").decode()
        now = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.000Z}"
        return _document(
            "GetConsoleOutput",
            f"<instanceId>{record.instance.id}</instanceId><timestamp>{now}</timestamp><output>{output}</output>",
        )


def _changes(verb: str, changes: list[tuple[Record, str, str]]) -> bytes:
    """The answer to an action that changes states: each instance with its state before and now."""

    def state(element: str, name: str) -> str:
        return f"<{element}><code>{moto_models.STATE_CODES[name]}</code><name>{name}</name></{element}>"

    items = "".join(
        f"<item><instanceId>{record.instance.id}</instanceId>{state('currentState', now)}"
        f"{state('previousState', before)}</item>"
        for record, before, now in changes
    )
    return _document(f"{verb}Instances", f"<instancesSet>{items}</instancesSet>")


def _document(action: str, content: str) -> bytes:
    """The XML document of an EC2 action's answer."""
    return (
        f'<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>{REQUEST_ID}</requestId>'
        f"{content}</{action}Response>"
    ).encode()

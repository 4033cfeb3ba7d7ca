"""The control API, by which tests and guests talk to embedded AWS itself: ``/_embedded/...``, JSON over HTTP."""

from __future__ import annotations

import hmac
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.ec2 import spot
from pytest_benchmark_aws.embedded.ec2.lifecycle import Reason
from pytest_benchmark_aws.embedded.guests import packages
from pytest_benchmark_aws.embedded.managed.wire.protocols import MODELS
from pytest_benchmark_aws.embedded.sagemaker.control import TrainingControl
from pytest_benchmark_aws.embedded.state import Fault, ServiceLoad

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.embedded.ec2.lifecycle import Lifecycle, Record
    from pytest_benchmark_aws.embedded.iam.authorization import Authorization
    from pytest_benchmark_aws.embedded.sagemaker.training_jobs import TrainingJobs
    from pytest_benchmark_aws.embedded.state import State


class ControlError(Exception):
    """A control request that is refused, with its HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """Answers control requests."""

    def __init__(self, state: State, lifecycle: Lifecycle, jobs: TrainingJobs, authorization: Authorization) -> None:
        self._state = state
        self._authorization = authorization
        self._lifecycle = lifecycle
        self._training = TrainingControl(state, jobs)
        self._gets: dict[str, Callable[[], object]] = {
            "calls": lambda: [asdict(call) for call in state.calls],
            "decisions": lambda: [asdict(decision) for decision in authorization.decisions],
            "instances": lambda: [describe(record) for record in lifecycle.records.values()],
            "training-jobs": self._training.listed,
        }
        self._posts: dict[str, Callable[..., dict[str, Any]]] = {
            "faults": self._faults,
            "capacity": self._capacity,
            "quota": self._quota,
            "service": self._service,
            "iam": self._iam,
            "training-capacity": self._training.capacity,
            "training-quota": self._training.quota,
        }

    def admits(self, token: str, path: str) -> bool:
        """Whether a token opens a path: this start's secret opens all, an instance's own what is done to it."""
        rights = [key.secret for key in self._authorization.keys.values() if not key.token]
        instance_id = path.removeprefix("instances/").partition("/")[0]
        if path.startswith("instances/") and instance_id in self._lifecycle.records:
            rights.append(self._lifecycle.records[instance_id].guest.token)
        return any(hmac.compare_digest(token.encode(), right.encode()) for right in rights)

    def __call__(self, method: str, path: str, payload: dict[str, Any]) -> object:
        """The answer to a control request, to be sent as JSON.

        Raises:
            ControlError: there is no such path or instance, or the payload is not what the path takes.
        """
        path = path.strip("/")
        parts = path.split("/")
        try:
            if method == "POST" and len(parts) == 3 and parts[0] == "instances":
                return self._instance(self._lifecycle.find(parts[1]), parts[2], payload)
            if method == "POST" and len(parts) == 3 and parts[0] == "training-jobs":
                return self._training.act(parts[1], parts[2], payload)
            with self._state.lock:
                if method == "GET" and path in self._gets:
                    return self._gets[path]()
                if method == "POST" and path in self._posts:
                    return self._posts[path](**payload)
        except (KeyError, TypeError, ValueError) as error:
            raise ControlError(f"{method} {path}: {type(error).__name__}: {error}") from error
        except AwsError as error:
            raise ControlError(str(error), 404) from error
        raise ControlError(f"no such control request: {method} {path}", 404)

    def _faults(
        self, *, action: str, code: str, status: int = 400, times: int = 1, message: str = "", after: bool = False
    ) -> dict[str, Any]:
        self._state.faults.append(Fault(str(action), str(code), int(status), int(times), str(message), bool(after)))
        return {}

    def _capacity(self, *, zone: str, instance_type: str, available: int | None) -> dict[str, Any]:
        self._state.capacity[str(zone), str(instance_type)] = None if available is None else int(available)
        return {}

    def _quota(self, *, vcpus: int | None = None, spot_vcpus: int | None = None) -> dict[str, Any]:
        settings = self._state.settings
        vcpus = settings.vcpu_quota if vcpus is None else int(vcpus)
        spot_vcpus = settings.spot_vcpu_quota if spot_vcpus is None else int(spot_vcpus)
        self._state.settings = replace(settings, vcpu_quota=vcpus, spot_vcpu_quota=spot_vcpus)
        return {"vcpus": vcpus, "spot_vcpus": spot_vcpus}

    def _service(
        self, *, service: str, latency_s: float = 0.0, requests_a_second: float | None = None, burst: int = 1
    ) -> dict[str, Any]:
        """Sets how a managed service answers; without a rate it throttles nothing."""
        if service not in MODELS:
            raise ControlError(f"{service} is no managed service; there are {', '.join(MODELS)}")
        rate = None if requests_a_second is None else float(requests_a_second)
        self._state.service_loads[service] = ServiceLoad(float(latency_s), rate, max(1, int(burst)))
        return {}

    def _iam(self, *, enforced: bool) -> dict[str, Any]:
        """Turns IAM on or off: off, as at the start, this start's key may do all, so that users can be made."""
        if not isinstance(enforced, bool):
            raise ControlError("enforced is true or false")
        self._authorization.enforced = enforced
        return {}

    def _instance(self, record: Record, verb: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Does to an instance what a guest or a test asks for by a verb."""
        simple: dict[str, Callable[[Record], object]] = {
            "poweroff": self._lifecycle.poweroff,
            "halt": self._lifecycle.halt,
            "forget": self._lifecycle.forget,
            "spot-notice": spot.announce_interruption,
            "spot-kill": lambda instance: self._lifecycle.end(instance, spot.INTERRUPTED),
        }
        if verb in simple:
            simple[verb](record)
        elif verb == "fail":
            code, message = str(payload["code"]), str(payload["message"])
            self._lifecycle.end(record, Reason(code, message, code))
        elif verb == "shutdown" and payload.get("cancel"):
            self._lifecycle.cancel_shutdown(record)
        elif verb == "shutdown":
            minutes = float(payload["minutes"])
            if minutes > 0:
                self._lifecycle.shutdown_in(record, minutes)
            else:
                self._lifecycle.poweroff(record)
        elif verb == "dnf":
            return packages.install(record.guest.directory, [str(name) for name in payload["packages"]])
        else:
            raise ControlError(f"an instance cannot {verb}", 404)
        return {}


def describe(record: Record) -> dict[str, Any]:
    """An instance as ``GET instances`` shows it."""
    instance = record.instance
    return {
        "id": instance.id,
        "instance_type": instance.instance_type,
        "zone": instance.availability_zone,
        "region": record.region,
        "state": instance.state,
        "state_reason": instance.state_reason.code,
        "lifecycle": instance.lifecycle or "on-demand",
        "client_token": instance.client_token,
        "tags": {tag["key"]: tag["value"] for tag in instance.get_tags()},
        "directory": str(record.guest.directory),
        "metadata_service": record.guest.metadata_service,
        "pid": record.guest.pid,
        "exit_status": record.guest.exit_status,
        "shutdown_armed": record.shutdown_timer is not None,
    }

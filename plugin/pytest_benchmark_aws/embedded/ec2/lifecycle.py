"""The states of instances from pending to terminated, with their delays and reasons, and when guests start and end."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.guests.guest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from moto.ec2.models.instances import Instance

    from pytest_benchmark_aws.embedded.moto_models import RoleSession
    from pytest_benchmark_aws.embedded.state import Settings

ALIVE = frozenset({"pending", "running"})
"""The states that count against quotas."""
Ending = Literal["terminated", "stopped"]
_PASSING: dict[Ending, str] = {"terminated": "shutting-down", "stopped": "stopping"}
"""The state before each end."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an instance is stopped or terminated, in EC2's words."""

    code: str
    message: str
    transition: str

    def transition_now(self) -> str:
        """StateTransitionReason, which names the time."""
        return f"{self.transition} ({datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} GMT)"


BY_USER = Reason("Client.UserInitiatedShutdown", "User initiated shutdown", "User initiated")
BY_INSTANCE = Reason("Client.InstanceInitiatedShutdown", "Instance initiated shutdown", "Instance initiated")


@dataclass(slots=True)
class Record:
    """An instance: moto's model of it, and what moto has no field for."""

    instance: Instance
    region: str
    guest: Guest
    user_data: bytes
    interruption_time: datetime | None = None
    """When a spot interruption that was announced comes."""
    shutdown_timer: threading.Timer | None = None
    """The power-off that ``shutdown +MINUTES`` armed."""
    ended: float | None = None
    """When it began to shut down, by the monotonic clock."""
    imds_tokens: set[str] = field(default_factory=set)
    role_session: RoleSession | None = None
    """The credentials of the instance profile's role, once the guest has asked for them."""


class Timers:
    """Acts that happen after a delay; ``close`` drops those that wait, joins what acts, and lets none come after it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timers: list[threading.Timer] = []
        self._closed = False

    def after(self, seconds: float, act: Callable[[], object]) -> threading.Timer:
        """Acts once in so many seconds, in a thread of its own, unless the returned timer is cancelled before."""
        timer = threading.Timer(seconds, act)
        timer.daemon = True
        with self._lock:
            if not self._closed:
                self._timers = [*(other for other in self._timers if other.is_alive()), timer]
                timer.start()
        return timer

    def close(self, wait: float = 10.0) -> None:
        """Cancels all acts that still wait, and waits at most ``wait`` seconds for each that has begun."""
        with self._lock:
            self._closed = True
        for timer in self._timers:
            timer.cancel()
        for timer in self._timers:
            timer.join(wait)


class Lifecycle:
    """All instances of one embedded AWS.

    Public methods take the lock themselves. No guest is killed under it, as that takes as long as the guest likes.
    """

    def __init__(self, root: Path, settings: Settings, lock: threading.RLock) -> None:
        self.endpoint = ""
        """The server's URL; empty until it listens."""
        self.records: dict[str, Record] = {}
        self._root = root
        self._settings = settings
        self._lock = lock
        self._timers = Timers()
        self._closed = False

    def find(self, instance_id: str) -> Record:
        """The record of an instance; an id that none has is refused."""
        with self._lock:
            try:
                return self.records[instance_id]
            except KeyError:
                message = f"The instance ID '{instance_id}' does not exist"
                raise AwsError("InvalidInstanceID.NotFound", message) from None

    def launched(self, instance: Instance, region: str, user_data: str) -> None:
        """Takes over an instance that moto has made: it is pending, and its guest starts when it is running."""
        with self._lock:
            guest = Guest(self._root, instance.id, self.endpoint, dict(self._settings.guest_environment))
            instance_type = catalog().types.get(instance.instance_type)
            if instance_type is not None and instance_type.gpus and moto_models.has_nvidia_driver(instance, region):
                guest.gpu_type, guest.driver_delay = instance_type, self._settings.driver_delay
            record = Record(instance, region, guest, decode_user_data(user_data))
            self.records[instance.id] = record
            moto_models.set_state(instance, "pending", "pending")
            self._timers.after(self._settings.state_delay, lambda: self._run(record))

    def _run(self, record: Record) -> None:
        with self._lock:
            if record.instance.state != "pending" or self._closed:
                return
            moto_models.set_state(record.instance, "running")
            # Once for each instance, as cloud-init does: a stopped instance that starts again does not repeat it.
            if record.user_data and not record.guest.started:
                record.guest.start(record.user_data)

    def end(self, record: Record, reason: Reason, ending: Ending = "terminated") -> tuple[str, str]:
        """Terminates or stops an instance, unless it is at its end already; returns its state before and now."""
        with self._lock:
            instance = record.instance
            before = instance.state
            if before in {"terminated", "shutting-down"} or (ending == "stopped" and before not in ALIVE):
                return before, before
            moto_models.set_state(instance, _PASSING[ending], reason.code, reason.message, reason.transition_now())
            record.ended = time.monotonic() if ending == "terminated" else None
            self.cancel_shutdown(record)
            self._timers.after(0, lambda: self._finish(record, reason, ending))
            return before, _PASSING[ending]

    def _finish(self, record: Record, reason: Reason, ending: Ending) -> None:
        record.guest.kill(self._settings.kill_grace)

        def settle() -> None:
            with self._lock:
                instance = record.instance
                if instance.state != _PASSING[ending]:
                    return  # stopping, and terminated meanwhile
                transition = instance.state_transition_reason or ""
                if ending == "terminated":
                    instance.terminate()  # moto gives volumes and network interfaces back
                moto_models.set_state(instance, ending, reason.code, reason.message, transition)

        delay = self._settings.shutting_down_delay if ending == "terminated" else None
        self._timers.after(self._settings.state_delay if delay is None else delay, settle)

    def forget(self, record: Record) -> None:
        """EC2 shows a terminated instance no more: its id is unknown and has no tags, about an hour after its end."""
        with self._lock:
            moto_models.forget_instance(record.instance, record.region)
            del self.records[record.instance.id]

    def start(self, record: Record) -> tuple[str, str]:
        """Starts an instance, which is refused unless it is stopped or alive; returns its state before and now."""
        with self._lock:
            before = record.instance.state
            if before in ALIVE:
                return before, before
            if before != "stopped":
                message = f"The instance '{record.instance.id}' is not in a state from which it can be started."
                raise AwsError("IncorrectInstanceState", message)
            moto_models.set_state(record.instance, "pending", "pending")
            self._timers.after(self._settings.state_delay, lambda: self._run(record))
            return before, "pending"

    def role_session(self, record: Record) -> RoleSession:
        """The credentials of the role in an instance's profile, made when first asked for; refused without a role."""
        with self._lock:
            if record.role_session is None:
                profile: dict[str, str] = record.instance.iam_instance_profile or {}
                role = moto_models.role_of_profile(profile["Arn"], record.region)
                # EC2 names the session after the instance.
                record.role_session = moto_models.open_session(role, record.instance.id, record.region)
            return record.role_session

    def poweroff(self, record: Record) -> None:
        """The instance shuts itself down, which terminates or stops it, as its launch said."""
        behaviour = record.instance.instance_initiated_shutdown_behavior
        self.end(record, BY_INSTANCE, "terminated" if behaviour == "terminate" else "stopped")

    def halt(self, record: Record) -> None:
        """The instance's system stops and nothing runs there; for EC2 it is still running, and costs."""
        self._timers.after(0, lambda: record.guest.kill(self._settings.kill_grace))

    def shutdown_in(self, record: Record, minutes: float) -> None:
        """Arms the power-off of an instance in so many of its minutes, in place of an earlier one."""
        with self._lock:
            self.cancel_shutdown(record)
            seconds = minutes * self._settings.minute
            record.shutdown_timer = self._timers.after(seconds, lambda: self.poweroff(record))

    def cancel_shutdown(self, record: Record) -> None:
        """Disarms the power-off that ``shutdown_in`` armed, if there is one."""
        with self._lock:
            if record.shutdown_timer is not None:
                record.shutdown_timer.cancel()
                record.shutdown_timer = None

    def close(self) -> None:
        """Kills all guests at once, and drops all state changes that are still to come.

        Raises:
            RuntimeError: a process outlives SIGKILL.
        """
        with self._lock:
            self._closed = True  # no guest starts from here on
            guests = [record.guest for record in self.records.values()]
        alive = [guest.instance_id for guest in guests if not guest.kill(grace=0)]
        self._timers.close()
        if alive:
            raise RuntimeError(f"processes of these embedded instances are still alive: {', '.join(alive)}")


def decode_user_data(encoded: str) -> bytes:
    """The bytes of a request's user data; what is no base64 is refused."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise AwsError("InvalidParameterValue", "Invalid BASE64 encoding of user data.") from None

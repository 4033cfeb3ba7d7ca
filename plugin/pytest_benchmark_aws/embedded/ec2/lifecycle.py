"""From pending to terminated: the states of instances, with their delays, reasons and guests."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.ec2.timers import Timers
from pytest_benchmark_aws.embedded.guests.guest import Guest
from pytest_benchmark_aws.embedded.iam import moto_users

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from moto.ec2.models.instances import Instance

    from pytest_benchmark_aws.embedded.iam.moto_users import Session
    from pytest_benchmark_aws.embedded.settings import Settings

ALIVE = frozenset({"pending", "running"})
"""The states that count against quotas."""
_NOTICE = timedelta(minutes=2)
"""Between a spot interruption notice and its interruption, as AWS documents it."""
Ending = Literal["terminated", "stopped"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an instance leaves running, in EC2's words."""

    code: str
    message: str
    transition: str

    def transition_now(self) -> str:
        """StateTransitionReason, with the time."""
        return f"{self.transition} ({datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} GMT)"


BY_USER = Reason("Client.UserInitiatedShutdown", "User initiated shutdown", "User initiated")
BY_INSTANCE = Reason("Client.InstanceInitiatedShutdown", "Instance initiated shutdown", "Instance initiated")
BY_SPOT = Reason("Server.SpotInstanceTermination", "Spot instance termination", "Server.SpotInstanceTermination")


@dataclass(slots=True)
class Record:
    """What an embedded AWS knows of an instance beyond moto's model of it."""

    instance: Instance
    region: str
    guest: Guest
    user_data: bytes
    notice_time: datetime | None = None
    """When a spot interruption that was announced comes."""
    shutdown_timer: threading.Event | None = None
    """What ``shutdown +MINUTES`` armed."""
    imds_tokens: set[str] = field(default_factory=set)
    role_session: Session | None = None
    """The credentials of the instance profile's role, once they were asked for."""


class Lifecycle:
    """All instances of one embedded AWS.

    Public methods take the lock themselves. No guest is killed under it: that takes as long as the guest likes.
    """

    def __init__(self, root: Path, settings: Settings, lock: threading.RLock) -> None:
        self.endpoint = ""
        """Known once the server listens."""
        self.records: dict[str, Record] = {}
        self._root = root
        self._settings = settings
        self._lock = lock
        self._timers = Timers()
        self._closed = False

    def find(self, instance_id: str) -> Record:
        """The record of an instance, or the error of an unknown id."""
        with self._lock:
            try:
                return self.records[instance_id]
            except KeyError:
                message = f"The instance ID '{instance_id}' does not exist"
                raise AwsError("InvalidInstanceID.NotFound", message) from None

    def launched(self, instance: Instance, region: str, user_data: str) -> None:
        """Take over an instance that moto has made: it is pending, and its guest runs when it is running."""
        with self._lock:
            guest = Guest(self._root, instance.id, self.endpoint)
            record = Record(instance, region, guest, decode_user_data(user_data))
            self.records[instance.id] = record
            moto_models.set_state(instance, "pending", "pending")
            self._timers.after(self._settings.state_delay, lambda: self._run(record))

    def _run(self, record: Record) -> None:
        with self._lock:
            if record.instance.state != "pending" or self._closed:
                return
            moto_models.set_state(record.instance, "running")
            # Once for each instance, as cloud-init does: a stopped one that starts again does not repeat it.
            if record.user_data and not record.guest.started:
                record.guest.start(record.user_data)

    def end(self, record: Record, reason: Reason, ending: Ending = "terminated") -> tuple[str, str]:
        """Terminate or stop an instance; its state before and now. One that is at its end stays there."""
        with self._lock:
            instance = record.instance
            before = instance.state
            if before in {"terminated", "shutting-down"} or (ending == "stopped" and before not in ALIVE):
                return before, before
            passing = "shutting-down" if ending == "terminated" else "stopping"
            moto_models.set_state(instance, passing, reason.code, reason.message, reason.transition_now())
            self._disarm(record)
            self._timers.after(0, lambda: self._finish(record, reason, ending))
            return before, passing

    def _finish(self, record: Record, reason: Reason, ending: Ending) -> None:
        record.guest.kill(self._settings.kill_grace)

        def settle() -> None:
            with self._lock:
                instance = record.instance
                if instance.state != ("shutting-down" if ending == "terminated" else "stopping"):
                    return  # stopping, and terminated meanwhile
                transition = instance.state_transition_reason or ""
                if ending == "terminated":
                    instance.terminate()  # moto gives volumes and network interfaces back
                moto_models.set_state(instance, ending, reason.code, reason.message, transition)

        self._timers.after(self._settings.state_delay, settle)

    def start(self, record: Record) -> tuple[str, str]:
        """Start a stopped instance; its state before and now."""
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

    def role_session(self, record: Record) -> Session:
        """The credentials of the role of an instance that has a profile; opened when they are first asked for.

        Raises:
            AwsError: the profile has no role, or is gone.
        """
        with self._lock:
            if record.role_session is None:
                profile: dict[str, str] = record.instance.iam_instance_profile or {}
                role = moto_users.role_of_profile(profile["Arn"], record.region)
                # EC2 names the session after the instance.
                record.role_session = moto_users.open_session(role, record.instance.id, record.region)
            return record.role_session

    def poweroff(self, record: Record) -> None:
        """The instance shuts itself down; what that means was said at its launch."""
        behaviour = record.instance.instance_initiated_shutdown_behavior
        self.end(record, BY_INSTANCE, "terminated" if behaviour == "terminate" else "stopped")

    def halt(self, record: Record) -> None:
        """The instance's system stops and nothing runs there; for EC2 it is running, and costs."""
        self._timers.after(0, lambda: record.guest.kill(self._settings.kill_grace))

    def shutdown_in(self, record: Record, minutes: float) -> None:
        """Arm the poweroff of an instance; a later call replaces an earlier one."""
        with self._lock:
            self._disarm(record)
            seconds = minutes * self._settings.minute
            record.shutdown_timer = self._timers.after(seconds, lambda: self.poweroff(record))

    def cancel_shutdown(self, record: Record) -> None:
        """Disarm it."""
        with self._lock:
            self._disarm(record)

    @staticmethod
    def _disarm(record: Record) -> None:
        if record.shutdown_timer is not None:
            record.shutdown_timer.set()
            record.shutdown_timer = None

    def spot_notice(self, record: Record) -> None:
        """Announce the interruption of a spot instance; ``spot_kill`` is what interrupts it."""
        with self._lock:
            record.notice_time = datetime.now(timezone.utc) + _NOTICE

    def spot_kill(self, record: Record) -> None:
        """Interrupt a spot instance."""
        self.end(record, BY_SPOT)

    def fail(self, record: Record, code: str, message: str) -> None:
        """EC2 loses an instance, for a reason such as ``Server.InternalError``."""
        self.end(record, Reason(code, message, code))

    def close(self) -> None:
        """End all guests at once, whatever they do about it.

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
    """The user data of a request.

    Raises:
        AwsError: it is no base64.
    """
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise AwsError("InvalidParameterValue", "Invalid BASE64 encoding of user data.") from None

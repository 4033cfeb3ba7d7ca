"""RunInstances: the errors of EC2's checks before a launch, its capacity, and ClientToken."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.ec2 import quotas
from pytest_benchmark_aws.embedded.ec2.lifecycle import Lifecycle, decode_user_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.state import State

USER_DATA_LIMIT = 16384
_INSTANCE_ID = re.compile(rb"<instanceId>(i-[0-9a-f]+)</instanceId>")
_STATE = re.compile(rb"<instanceState>.*?</instanceState>", re.DOTALL)
_STATE_REASON = re.compile(rb"<stateReason>.*?</stateReason>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Launch:
    """What a RunInstances call asks for."""

    instance_type: str
    zone: str
    spot: bool
    count: int
    token: str
    parameters: tuple[tuple[str, str], ...]
    """All parameters but the token: a call that repeats the token must have the same."""


class RunInstances:
    """Answers RunInstances, and remembers answers by token; the caller holds the lock."""

    def __init__(self, state: State, lifecycle: Lifecycle) -> None:
        self._state = state
        self._lifecycle = lifecycle
        self._answered: dict[tuple[str, str], tuple[Launch, bytes, tuple[str, ...]]] = {}
        """(zone, token) -> launch, body and instance ids of an answer: tokens are zonal."""
        self._dry_runs: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
        """(zone, token) -> parameters of a dry run."""

    def __call__(self, request: AwsRequest, moto: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        """The HTTP status and body that answer a call; ``moto`` makes the instances."""
        launch = read_launch(request)
        _check_parameters(request, launch)
        key = (launch.zone, launch.token)
        if request.params.get("DryRun", "").lower() == "true" and launch.token:
            # Whether EC2 takes note of a dry run's token is not documented: here it does, so that nobody relies on it.
            self._dry_runs[key] = _without_dry_run(launch)
        request.end_dry_run()
        if launch.token and self._dry_runs.get(key, launch.parameters) != launch.parameters:
            raise _mismatch()
        if launch.token and key in self._answered:
            return 200, self._again(launch, *self._answered[key])
        quotas.check_vcpus(
            self._state, request.region, launch.instance_type, launch.count, spot=launch.spot, held=self._held()
        )
        self._take_capacity(launch)
        status, body = moto()
        if status >= 400:
            return status, body
        ids = tuple(dict.fromkeys(match.decode() for match in _INSTANCE_ID.findall(body)))
        instances = moto_models.find_instances(request.region, ids)
        for instance in instances:
            # Of several moto gives the profile to the first alone.
            instance.iam_instance_profile = instances[0].iam_instance_profile
            instance.client_token = launch.token or None  # without a token moto makes one up
            if launch.spot:
                instance.lifecycle = "spot"
            self._lifecycle.launched(instance, request.region, request.params.get("UserData", ""))
        body = _STATE_REASON.sub(b"<stateReason><code>pending</code><message>pending</message></stateReason>", body)
        if launch.token:
            self._answered[key] = (launch, body, ids)
        return status, body

    def _again(self, launch: Launch, first: Launch, body: bytes, instance_ids: tuple[str, ...]) -> bytes:
        """The answer to a repeated token: the same reservation, in the state that it is in by now."""
        if first.parameters != launch.parameters:
            raise _mismatch()
        # boto3 #4406: since January 2025 the token of a terminated instance is refused, where it was answered before.
        over = [instance_id for instance_id in instance_ids if self._is_over(instance_id)]
        if over:
            raise AwsError(
                "IdempotentInstanceTerminated",
                "The client token you have provided is associated with a terminated instance. Please use a different "
                "client token.",
            )
        instances = [self._lifecycle.find(instance_id).instance for instance_id in instance_ids]
        states = iter(
            f"<instanceState><code>{instance.state_code}</code><name>{instance.state}</name></instanceState>".encode()
            for instance in instances
        )
        return _STATE.sub(lambda _: next(states), body)

    def _held(self) -> set[str]:
        """Ids of instances that are over and still count against the quotas."""
        since = time.monotonic() - self._state.settings.quota_release_delay
        records = self._lifecycle.records.values()
        return {record.instance.id for record in records if record.ended is not None and record.ended > since}

    def _is_over(self, instance_id: str) -> bool:
        record = self._lifecycle.records.get(instance_id)
        return record is None or record.instance.state in {"shutting-down", "terminated"}

    def _take_capacity(self, launch: Launch) -> None:
        """Counts the launch against its zone's capacity, where a test has limited it."""
        key = (launch.zone, launch.instance_type)
        available = self._state.capacity.get(key)
        if available is None:
            return
        if available < launch.count:
            # 500, as EC2 sends it: boto3 retries it.
            raise AwsError(
                "InsufficientInstanceCapacity",
                f"We currently do not have sufficient {launch.instance_type} capacity in the Availability Zone you "
                f"requested ({launch.zone}). Our system will be working on provisioning additional capacity.",
                500,
            )
        self._state.capacity[key] = available - launch.count


def _without_dry_run(launch: Launch) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in launch.parameters if key != "DryRun")


def _mismatch() -> AwsError:
    message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
    return AwsError("IdempotentParameterMismatch", message)


def _check_disks(request: AwsRequest) -> None:
    """Refuses a root that is smaller than its image's; of another name it would be a disk more (scylladb #6999)."""
    name, gib = moto_models.root_device_of(request.region, request.params.get("ImageId", ""))
    for n in range(1, 27):
        head = f"BlockDeviceMapping.{n}"
        if f"{head}.DeviceName" not in request.params:
            break
        size = request.params.get(f"{head}.Ebs.VolumeSize")
        if request.params[f"{head}.DeviceName"] == name and size is not None and int(size) < gib:
            raise AwsError(
                "InvalidBlockDeviceMapping",
                f"Volume of size {size}GB is smaller than snapshot 'snap-embedded', expect size >= {gib}GB",
            )


def _check_credits(request: AwsRequest, name: str) -> None:
    """Refuses credits of a type that has none (EC2 API, CreditSpecificationRequest: T types alone)."""
    if "CreditSpecification.CpuCredits" in request.params and not re.match(r"t\d", name):
        raise AwsError("InvalidParameterCombination", f"The credit specification is not supported for {name}.")


def read_launch(request: AwsRequest) -> Launch:
    """The launch that a RunInstances call asks for."""
    params = request.params
    subnet_id = params.get("SubnetId") or params.get("NetworkInterface.1.SubnetId")
    if subnet_id:
        subnets = moto_models.ec2_backend(request.region).describe_subnets()
        zone = next((str(subnet.availability_zone) for subnet in subnets if subnet.id == subnet_id), "")
        if not zone:
            raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")
    else:
        zone = params.get("Placement.AvailabilityZone") or f"{request.region}a"
    return Launch(
        instance_type=params.get("InstanceType", "m1.small"),
        zone=zone,
        spot=params.get("InstanceMarketOptions.MarketType") == "spot",
        count=int(params.get("MaxCount", "1")),
        token=params.get("ClientToken", ""),
        parameters=tuple(sorted((key, value) for key, value in params.items() if key != "ClientToken")),
    )


def _check_parameters(request: AwsRequest, launch: Launch) -> None:
    """Refuses, as EC2 does, an unknown type or image, too long user data, and what does not go together."""
    name = launch.instance_type
    instance_type = catalog().types.get(name)
    if instance_type is None:
        raise AwsError("InvalidParameterValue", f"Invalid value '{name}' for InstanceType.")
    if len(decode_user_data(request.params.get("UserData", ""))) > USER_DATA_LIMIT:
        raise AwsError("InvalidParameterValue", f"User data is limited to {USER_DATA_LIMIT} bytes")
    offered = moto_models.offered_zones(request.region, name)
    if offered and launch.zone not in offered:
        raise AwsError(
            "Unsupported",
            f"Your requested instance type ({name}) is not supported in your requested Availability Zone "
            f"({launch.zone}). Please retry your request by not specifying an Availability Zone or choosing "
            f"{', '.join(offered)}.",
        )
    image = request.params.get("ImageId", "")
    ami = moto_models.ec2_backend(request.region).amis.get(image)
    if ami is None:
        raise AwsError("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")
    _check_disks(request)
    _check_credits(request, name)
    if ami.architecture and instance_type.arches and ami.architecture not in instance_type.arches:
        raise AwsError(
            "InvalidParameterValue",
            f"The architecture '{','.join(instance_type.arches)}' of the specified instance type does not match the "
            f"architecture '{ami.architecture}' of the specified AMI. Specify an instance type and an AMI that have "
            "matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to "
            "discover the architecture of the instance type or AMI.",
        )

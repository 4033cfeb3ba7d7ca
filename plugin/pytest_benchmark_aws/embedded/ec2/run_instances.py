"""RunInstances: what EC2 checks before it launches, and ClientToken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.ec2.lifecycle import ALIVE, Lifecycle, decode_user_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.state import State

USER_DATA_LIMIT = 16384
_STANDARD = frozenset({"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"})
"""The families of the quotas "standard (A, C, D, H, I, M, R, T, Z)"; ``im4gn`` and ``is4gen`` are I's."""
_INSTANCE_ID = re.compile(rb"<instanceId>(i-[0-9a-f]+)</instanceId>")
_STATE = re.compile(rb"<instanceState>.*?</instanceState>", re.DOTALL)
_STATE_REASON = re.compile(rb"<stateReason>.*?</stateReason>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Launch:
    """What a RunInstances asks for."""

    instance_type: str
    zone: str
    spot: bool
    count: int
    token: str
    parameters: tuple[tuple[str, str], ...]
    """All but the token: what must be the same when it comes again."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A launch that was answered once."""

    launch: Launch
    body: bytes
    instance_ids: tuple[str, ...]


class RunInstances:
    """The checks and the memory of RunInstances; the caller holds the lock."""

    def __init__(self, state: State, lifecycle: Lifecycle) -> None:
        self._state = state
        self._lifecycle = lifecycle
        self._answered: dict[tuple[str, str], Answered] = {}
        """(zone, token): tokens are zonal, the same one in another zone is another launch."""

    def __call__(self, request: AwsRequest, moto: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        """The answer to one request; ``moto`` makes the instances."""
        launch = read_launch(request)
        _check_parameters(request, launch)
        if request.dry_run:
            raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        key = (launch.zone, launch.token)
        if launch.token and key in self._answered:
            return 200, self._again(self._answered[key], launch)
        self._check_quota(request.region, launch)
        self._take_capacity(launch)
        status, body = moto()
        if status >= 400:
            return status, body
        ids = tuple(dict.fromkeys(match.decode() for match in _INSTANCE_ID.findall(body)))
        for instance in moto_models.find_instances(request.region, ids):
            instance.client_token = launch.token or None  # moto makes one up
            if launch.spot:
                instance.lifecycle = "spot"
            self._lifecycle.launched(instance, request.region, request.params.get("UserData", ""))
        body = _STATE_REASON.sub(b"<stateReason><code>pending</code><message>pending</message></stateReason>", body)
        if launch.token:
            self._answered[key] = Answered(launch, body, ids)
        return status, body

    def _again(self, answered: Answered, launch: Launch) -> bytes:
        if answered.launch.parameters != launch.parameters:
            message = (
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
            )
            raise AwsError("IdempotentParameterMismatch", message)
        # The same reservation, in the state that it is in by now.
        instances = [self._lifecycle.find(identity).instance for identity in answered.instance_ids]
        states = iter(
            f"<instanceState><code>{one.state_code}</code><name>{one.state}</name></instanceState>".encode()
            for one in instances
        )
        return _STATE.sub(lambda _: next(states), answered.body)

    def _check_quota(self, region: str, launch: Launch) -> None:
        if not is_standard(launch.instance_type):
            return
        limit = self._state.spot_vcpu_quota if launch.spot else self._state.vcpu_quota
        used = sum(
            _vcpus(one.instance_type)
            for one in moto_models.all_instances(region)
            if one.state in ALIVE and (one.lifecycle == "spot") == launch.spot and is_standard(one.instance_type)
        )
        if used + launch.count * _vcpus(launch.instance_type) <= limit:
            return
        if launch.spot:
            raise AwsError("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
        raise AwsError(
            "VcpuLimitExceeded",
            f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance "
            "bucket that the specified instance type belongs to. Please visit "
            "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
        )

    def _take_capacity(self, launch: Launch) -> None:
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


def read_launch(request: AwsRequest) -> Launch:
    """What a request asks for."""
    params = request.params
    subnet = params.get("SubnetId") or params.get("NetworkInterface.1.SubnetId")
    if subnet:
        subnets = {one.id: one for one in moto_models.backend(request.region).describe_subnets()}
        if subnet not in subnets:
            raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{subnet}' does not exist")
        zone = str(subnets[subnet].availability_zone)
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


def is_standard(instance_type: str) -> bool:
    """Whether the vCPUs of a type count against the standard quotas."""
    family = re.match("[a-z]+", instance_type)
    return family is not None and family[0] in _STANDARD


def _vcpus(instance_type: str) -> int:
    known = catalog().types.get(instance_type)
    return (known.vcpus if known is not None else None) or 1


def _check_parameters(request: AwsRequest, launch: Launch) -> None:
    name = launch.instance_type
    known = catalog().types.get(name)
    if known is None:
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
    ami = moto_models.backend(request.region).amis.get(image)
    if ami is None:
        raise AwsError("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")
    if ami.architecture and known.arches and ami.architecture not in known.arches:
        raise AwsError(
            "InvalidParameterValue",
            f"The architecture '{','.join(known.arches)}' of the specified instance type does not match the "
            f"architecture '{ami.architecture}' of the specified AMI. Specify an instance type and an AMI that have "
            "matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to "
            "discover the architecture of the instance type or AMI.",
        )

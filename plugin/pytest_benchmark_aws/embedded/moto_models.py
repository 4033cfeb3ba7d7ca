"""moto's models as embedded AWS reads and changes them: instances and their states, keys, roles, buckets.

No other module but ``moto_images`` touches them, so that a new release of moto is met here. Who has which key and which
policies is moto's, by its ``access_control``; what the policies allow is decided in ``iam.policy_evaluation``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import moto.ec2.utils as ec2_utils
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS
from moto.ec2.models.instances import StateReason
from moto.iam.access_control import CreateAccessKeyFailure, IAMPolicy, create_access_key
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.ssm.models import ssm_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.ec2 import moto_images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from moto.ec2.models import EC2Backend
    from moto.ec2.models.instances import Instance

ACCOUNT = DEFAULT_ACCOUNT_ID
STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
_EXTRA_FILTERS = {
    "client-token": "client_token",
    "instance-lifecycle": "lifecycle",
    "instance-state-code": "state_code",
    "launch-time": "launch_time",
}
"""Filters of DescribeInstances that moto does not have -> the attribute of its instance that each compares."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A user, or a session of a role, that signs calls."""

    arn: str
    secret: str
    policies: tuple[Mapping[str, Any], ...]
    """IAM policy documents."""


@dataclass(frozen=True, slots=True)
class RoleSession:
    """Temporary credentials of a role."""

    key_id: str
    secret: str
    token: str
    role: str
    """The role's name."""


def partition(region: str) -> str:
    """The partition of a region, as ARNs name it."""
    return str(get_partition(region))


def reset() -> None:
    """Removes all resources of all services, and teaches moto the filters that it lacks."""
    # moto's own 1300 images take a third of a second at each start; ``ec2_backend`` adds those that are launched.
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    BackendDict.reset()
    reset_model_data()
    ec2_utils.filter_dict_attribute_mapping.update(_EXTRA_FILTERS)


# EC2


def ec2_backend(region: str) -> EC2Backend:
    """The EC2 of a region in moto, with the images that the public parameters of SSM name, and these parameters."""
    backend: EC2Backend = ec2_backends[ACCOUNT][region]
    _fill(region)
    _open_default_vpc(backend)
    moto_images.fill(backend, region)
    return backend


def _open_default_vpc(backend: EC2Backend) -> None:
    """Gives the default VPC an internet gateway and the route to it, as AWS's has (VPC user guide, "Default VPCs")."""
    vpc = backend.get_default_vpc()
    tables = [table for table in backend.route_tables.values() if vpc is not None and table.vpc_id == vpc.id]
    if vpc is None or not tables or backend.internet_gateways:
        return
    gateway = backend.create_internet_gateway()
    backend.attach_internet_gateway(gateway.id, vpc.id)
    backend.create_route(tables[0].id, "0.0.0.0/0", gateway_id=gateway.id)


def root_device_of(region: str, image_id: str) -> tuple[str, int]:
    """Name and size in GiB of an image's root device."""
    return moto_images.root_device_of(ec2_backends[ACCOUNT][region].amis.get(image_id))


def has_nvidia_driver(instance: Instance, region: str) -> bool:
    """Whether the image that an instance was launched with brings NVIDIA's driver."""
    return moto_images.has_nvidia_driver(ec2_backends[ACCOUNT][region].amis.get(instance.image_id))


def _fill(region: str) -> None:
    """Gives a region of which moto has no data, as it has none of aws-cn and aws-us-gov, what us-east-1 has."""
    by_zone = INSTANCE_TYPE_OFFERINGS["availability-zone"]
    if region not in by_zone:
        names = sorted({offer["InstanceType"] for offer in by_zone["us-east-1"]})
        by_zone[region] = [{"InstanceType": name, "Location": zone} for name in names for zone in zones(region)]
    there, here = (ssm_backends[ACCOUNT][name]._parameters for name in (region, "us-east-1"))
    for parameter in moto_images.AMI_PARAMETERS.values():
        if parameter not in there and parameter in here:
            there[parameter] = here[parameter]


def zones(region: str) -> list[str]:
    """The names of a region's availability zones."""
    return [str(zone.name) for zone in ec2_backends[ACCOUNT][region].describe_availability_zones()]


def offered_zones(region: str, instance_type: str) -> list[str]:
    """The zones of a region that offer an instance type; empty where moto does not know the type."""
    offers = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, [])
    return sorted({offer["Location"] for offer in offers if offer["InstanceType"] == instance_type})


def find_instances(region: str, ids: Sequence[str]) -> list[Instance]:
    """The instances of these ids, in their order; unknown ones are refused, in a message that names them all."""
    pairs = [(instance_id, ec2_backends[ACCOUNT][region].get_instance_by_id(instance_id)) for instance_id in ids]
    unknown = [instance_id for instance_id, instance in pairs if instance is None]
    if unknown:
        plural = f"s '{', '.join(unknown)}' do" if len(unknown) > 1 else f" '{unknown[0]}' does"
        raise AwsError("InvalidInstanceID.NotFound", f"The instance ID{plural} not exist")
    return [instance for _, instance in pairs if instance is not None]


def all_instances(region: str) -> list[Instance]:
    """Every instance of a region, terminated ones included."""
    return list(ec2_backends[ACCOUNT][region].all_instances())


def is_open_to_itself(instance: Instance) -> bool:
    """Whether a security group of the instance lets all traffic of its own members in.

    Two instances of one security group reach each other by such a rule alone (EC2 user guide, "Security group rules for
    different use cases"); that of the default VPC has it, one that was made has none ("Create a security group").
    """
    for group in instance.security_groups:
        for rule in group.ingress_rules:
            if rule.ip_protocol == "-1" and (rule.source_group or {}).get("GroupId") == group.id:
                return True
    return False


def tags_of(resource_id: str, region: str) -> dict[str, str]:
    """The tags of an EC2 resource; none of one that is unknown."""
    return dict(ec2_backends[ACCOUNT][region].tags.get(resource_id, {}))


def forget_instance(instance: Instance, region: str) -> None:
    """Takes an instance and its tags out of a region."""
    backend = ec2_backends[ACCOUNT][region]
    for reservation in backend.reservations.values():
        reservation.instances = [other for other in reservation.instances if other.id != instance.id]
    backend.tags.pop(instance.id, None)


def set_state(instance: Instance, name: str, code: str = "", message: str = "", transition: str = "") -> None:
    """Puts an instance into a state, with the reason that DescribeInstances shows."""
    instance._state.name = name
    instance._state.code = STATE_CODES[name]
    instance.state_reason = StateReason(f"{code}: {message}" if message else code, code)
    instance._reason = transition


# IAM, STS and S3


def caller(key_id: str, token: str, region: str) -> Caller | None:
    """Who holds an access key; None where nobody does, or the session token does not belong to the key."""
    headers = {"X-Amz-Security-Token": token} if token else {}
    try:
        access_key: Any = create_access_key(ACCOUNT, get_partition(region), key_id, headers)
    except CreateAccessKeyFailure:
        return None
    # The document of an inline policy and that of a managed policy's default version.
    policies = tuple(IAMPolicy(policy)._policy_json for policy in access_key.collect_policies())
    return Caller(access_key.arn, access_key.create_credentials().secret_key, policies)


def role_of_profile(profile: str, region: str) -> str:
    """The ARN of the role in an instance profile of that name or ARN; refused where either is missing."""
    backend = iam_backends[ACCOUNT][get_partition(region)]
    is_arn = profile.startswith("arn:")
    try:
        instance_profile = (
            backend.get_instance_profile_by_arn(profile) if is_arn else backend.get_instance_profile(profile)
        )
        return str(instance_profile.roles[0].arn)
    except (NotFoundException, IndexError):
        message = f"Value ({profile}) for parameter iamInstanceProfile.{'arn' if is_arn else 'name'} is invalid."
        raise AwsError("InvalidParameterValue", message) from None


def is_trusted_role(arn: str, principal: str, region: str) -> bool:
    """Whether there is a role of that ARN which a service may assume, conditions aside."""
    try:
        role = iam_backends[ACCOUNT][get_partition(region)].get_role_by_arn(arn)
    except NotFoundException:
        return False
    document = json.loads(role.assume_role_policy_document or "{}")
    statements = document.get("Statement", ())
    return any(
        statement.get("Effect") == "Allow"
        and "sts:AssumeRole" in _several(statement.get("Action"))
        and principal in _several(dict(statement.get("Principal") or {}).get("Service"))
        for statement in _several(statements)
    )


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def open_session(role_arn: str, name: str, region: str) -> RoleSession:
    """New temporary credentials of a role, for six hours."""
    session = sts_backends[ACCOUNT][get_partition(region)].assume_role(
        region_name=region, role_session_name=name, role_arn=role_arn, policy="", duration=6 * 3600, external_id=""
    )
    role = role_arn.rpartition("/")[2]
    return RoleSession(session.access_key_id, session.secret_access_key, session.session_token, role)


def has_bucket(name: str, region: str) -> bool:
    """Whether the account has a bucket of that name."""
    return name in s3_backends[ACCOUNT][get_partition(region)].buckets


def bucket_region(name: str, region: str) -> str | None:
    """The region of a bucket in the partition of ``region``; None where there is no such bucket."""
    bucket = s3_backends[ACCOUNT][get_partition(region)].buckets.get(name)
    return None if bucket is None else str(bucket.region_name)


def object_in_s3(bucket: str, key: str, region: str) -> bytes | None:
    """What an object holds; None where there is none."""
    if not has_bucket(bucket, region):
        return None
    found = s3_backends[ACCOUNT][get_partition(region)].get_object(bucket, key)
    return None if found is None else bytes(found.value)


def put_in_s3(bucket: str, key: str, data: bytes, region: str) -> bool:
    """Writes an object; False where there is no such bucket."""
    if has_bucket(bucket, region):
        s3_backends[ACCOUNT][get_partition(region)].put_object(bucket, key, data)
        return True
    return False

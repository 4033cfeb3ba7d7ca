"""With ``moto_iam`` the only place that touches moto's models."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import moto.ec2.utils as ec2_utils
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS
from moto.ec2.models.instances import StateReason
from moto.ssm.models import ssm_backends

from pytest_benchmark_aws.embedded.aws_error import AwsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moto.ec2.models import EC2Backend
    from moto.ec2.models.instances import Instance

ACCOUNT = DEFAULT_ACCOUNT_ID
STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
AMI_PARAMETERS = {
    arch: f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}" for arch in ("x86_64", "arm64")
}
_EXTRA_FILTERS = {
    "client-token": "client_token",
    "instance-lifecycle": "lifecycle",
    "instance-state-code": "state_code",
    "launch-time": "launch_time",
}
"""Filters of DescribeInstances that moto has no word for, and the attribute of its model that each is."""


def reset() -> None:
    """Forget all resources of all services; teach moto the filters that it lacks."""
    # moto's own 1300 images take a third of a second at each start; ``backend`` adds the two that are launched.
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    BackendDict.reset()
    reset_model_data()
    ec2_utils.filter_dict_attribute_mapping.update(_EXTRA_FILTERS)


def backend(region: str) -> EC2Backend:
    """The EC2 of a region in moto, with the Amazon Linux images that its SSM names."""
    found: EC2Backend = ec2_backends[ACCOUNT][region]
    for arch, parameter in AMI_PARAMETERS.items():
        value = ssm_backends[ACCOUNT][region].get_parameter(parameter)
        # moto's SSM and its EC2 ship different images: what the one names, the other does not know.
        if value is not None and value.value not in found.amis:
            found.amis[value.value] = Ami(
                found,
                value.value,
                name=f"al2023-ami-2023-kernel-default-{arch}",
                owner_id="137112412989",
                owner_alias="amazon",
                public=True,
                virtualization_type="hvm",
                architecture=arch,
                hypervisor="xen",
                root_device_type="ebs",
                root_device_name="/dev/xvda",
                region_name=f"{region}a",
            )
    return found


def zones(region: str) -> list[str]:
    """The availability zones of a region."""
    return [str(zone.name) for zone in ec2_backends[ACCOUNT][region].describe_availability_zones()]


def offered_zones(region: str, instance_type: str) -> list[str]:
    """The zones of a region that offer a type; none where moto does not know the type."""
    offers = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, [])
    return sorted({offer["Location"] for offer in offers if offer["InstanceType"] == instance_type})


def find_instances(region: str, ids: Sequence[str]) -> list[Instance]:
    """The instances of these ids, in their order.

    Raises:
        AwsError: one is not known; then none is answered.
    """
    found = [(identity, ec2_backends[ACCOUNT][region].get_instance_by_id(identity)) for identity in ids]
    unknown = [identity for identity, instance in found if instance is None]
    if unknown:
        plural = f"s '{', '.join(unknown)}' do" if len(unknown) > 1 else f" '{unknown[0]}' does"
        raise AwsError("InvalidInstanceID.NotFound", f"The instance ID{plural} not exist")
    return [instance for _, instance in found if instance is not None]


def all_instances(region: str) -> list[Instance]:
    """Every instance of a region, the terminated ones too."""
    return list(ec2_backends[ACCOUNT][region].all_instances())


def set_state(instance: Instance, name: str, code: str = "", message: str = "", transition: str = "") -> None:
    """Put an instance into a state, with the reason that DescribeInstances shows."""
    instance._state.name = name
    instance._state.code = STATE_CODES[name]
    instance.state_reason = StateReason(f"{code}: {message}" if message else code, code)
    instance._reason = transition

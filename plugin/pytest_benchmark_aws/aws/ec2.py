"""EC2 as a run needs it: subnets, images and quotas, a launch, one look at all instances, terminate."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws.errors import code_of, refusal, unless
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.values import json_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from pytest_benchmark_aws.aws.clients import Clients

TAG = "pytest-benchmark-aws"
"""Prefix of our tags, name of our security group, and value of the managed-by tag."""
BILLED_OR_MAY_BE = frozenset({"pending", "running", "stopping", "stopped"})
"""States of an instance that is alive. One that is shutting down is not: it goes on to be terminated whatever is done,
which takes a minute for c5.large, over 19 for c5.metal and over 5 for GPU types (packer-plugin-amazon #682,
bottlerocket-test-system #337, terraform #5807), and is billed no more (EC2 user guide, "Instance lifecycle")."""
MOST_SECONDS = 30 * 24 * 3600
"""From a launch to its deadline: the longest limit is a week. Tags are anybody's who may tag."""
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}"


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet that an instance can be launched in."""

    subnet_id: str
    zone: str
    vpc_id: str
    public_ip: bool = True
    """Whether an instance gets a public address there (MapPublicIpOnLaunch)."""


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance as one look at EC2 shows it; our own fields are from its tags."""

    instance_id: str
    state: str
    reason: str
    zone: str
    job: str
    attempt: int
    token: str
    run: str = ""
    subnet: str = ""
    launched: datetime | None = None
    deadline: datetime | None = None
    fallback: bool = False
    """Whether it is on demand in place of spot."""
    usd_per_hour: Decimal | None = None
    """The price that it was reserved at."""
    reservation: str = ""
    """Id of the RunInstances call that launched it, alone or with others."""
    count: int = 1
    """Machines of its launch, by its tag."""
    index: int = 0
    """Its place among the instances of its reservation."""

    @property
    def alive(self) -> bool:
        """Whether it may still cost money."""
        return self.state in BILLED_OR_MAY_BE

    def age_s(self, now: datetime) -> float | None:
        """Seconds since its launch; None where EC2 does not say."""
        return None if self.launched is None else max(0.0, (now - self.launched).total_seconds())

    @property
    def longest_s(self) -> int | None:
        """Seconds from its launch to its deadline; None where a tag or the launch time is missing or senseless."""
        if self.launched is None or self.deadline is None:
            return None
        seconds = round((self.deadline - self.launched).total_seconds())
        return seconds if 0 < seconds <= MOST_SECONDS else None

    def most_usd(self, now: datetime) -> Decimal | None:
        """The most that it costs: until its deadline or, where it is gone, until now if that is earlier.

        EC2 bills a minute at least. None where a tag or the launch time is missing.
        """
        if self.launched is None or self.deadline is None or self.usd_per_hour is None:
            return None
        end = self.deadline if self.alive else min(now, self.deadline)
        return usd(self.usd_per_hour, max(60.0, (end - self.launched).total_seconds()))


def subnets(clients: Clients, wanted: Sequence[str]) -> list[Subnet]:
    """The subnets with the wanted ids, in their order; without ids those of the default VPC, one a zone."""
    ec2 = clients("ec2")
    if wanted:
        answer = ec2.describe_subnets(SubnetIds=list(wanted))
    else:
        answer = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
    shown = [
        Subnet(item["SubnetId"], item["AvailabilityZone"], item["VpcId"], bool(item.get("MapPublicIpOnLaunch")))
        for item in answer["Subnets"]
    ]
    order = {subnet_id: place for place, subnet_id in enumerate(wanted)}
    return sorted(shown, key=lambda subnet: (order.get(subnet.subnet_id, 0), subnet.zone, subnet.subnet_id))


def offered_zones(clients: Clients, types: Iterable[str]) -> dict[str, set[str]]:
    """Instance type -> the region's zones that offer it; a type that is not offered has none."""
    zones: dict[str, set[str]] = {name: set() for name in types}
    pages = (
        clients("ec2")
        .get_paginator("describe_instance_type_offerings")
        .paginate(LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": sorted(zones)}])
    )
    for page in pages:
        for offer in page["InstanceTypeOfferings"]:
            zones[offer["InstanceType"]].add(offer["Location"])
    return zones


def offered_types(clients: Clients) -> set[str]:
    """All instance types that the region offers."""
    pages = clients("ec2").get_paginator("describe_instance_type_offerings").paginate(LocationType="region")
    return {offer["InstanceType"] for page in pages for offer in page["InstanceTypeOfferings"]}


def image(clients: Clients, arch: str) -> str:
    """The image id of the newest Amazon Linux 2023 of an architecture, by AWS's public parameter."""
    answer = clients("ssm").get_parameter(Name=IMAGE.format(arch=arch))
    return str(answer["Parameter"]["Value"])


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What one RunInstances call asks for."""

    instance_type: str
    market: str
    image_id: str
    subnet_id: str
    security_group_id: str | None
    token: str
    user_data: str
    tags: Mapping[str, str]
    instance_profile: str | None
    disk_gib: int = 30
    # What follows has the values of requests that were kept on disk before there was a choice.
    root_device: str = "/dev/xvda"
    encrypted: bool = False
    cpu_credits: str = ""
    """``standard`` for T types, which else take surplus credits at 0.04 to 0.05 USD a vCPU-hour; others have none."""
    count: int = 1
    """Instances, all or none."""

    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of boto3's ``run_instances``."""
        tags = tag_list({**self.tags, "managed-by": TAG})
        arguments: dict[str, Any] = {
            "ImageId": self.image_id,
            "InstanceType": self.instance_type,
            "MinCount": self.count,
            "MaxCount": self.count,
            "ClientToken": self.token,
            "SubnetId": self.subnet_id,
            "UserData": self.user_data,
            "InstanceInitiatedShutdownBehavior": "terminate",
            "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1},
            "BlockDeviceMappings": [
                {
                    "DeviceName": self.root_device,
                    "Ebs": {
                        "VolumeSize": self.disk_gib,
                        "VolumeType": "gp3",
                        "DeleteOnTermination": True,
                        **({"Encrypted": True} if self.encrypted else {}),
                    },
                }
            ],
            "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
        }
        if self.security_group_id:
            arguments["SecurityGroupIds"] = [self.security_group_id]
        if self.instance_profile:
            kind = "Arn" if self.instance_profile.startswith("arn:") else "Name"
            arguments["IamInstanceProfile"] = {kind: self.instance_profile}
        if self.cpu_credits:
            arguments["CreditSpecification"] = {"CpuCredits": self.cpu_credits}
        if self.market == "spot":
            arguments["InstanceMarketOptions"] = {
                "MarketType": "spot",
                "SpotOptions": {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"},
            }
        return arguments


def run_instances(clients: Clients, request: LaunchRequest) -> tuple[str, tuple[str, ...]]:
    """Launches a request's instances; the ids of the reservation and of each. The token makes a repeat the same."""
    answer = clients("ec2").run_instances(**request.parameters())
    return str(answer["ReservationId"]), tuple(str(item["InstanceId"]) for item in answer["Instances"])


def dry_run(clients: Clients, request: LaunchRequest) -> str | None:
    """What AWS would say against the launch, with the action that the policy lacks; None where it would succeed."""
    from botocore.exceptions import ClientError

    # By a token of its own: whether EC2 takes note of a dry run's is not documented, and the launch says other words.
    arguments = {**request.parameters(), "DryRun": True}
    del arguments["ClientToken"]
    try:
        clients("ec2").run_instances(**arguments)
    except ClientError as error:
        return None if code_of(error) == "DryRunOperation" else refusal(error)
    return None


def instances_of_run(clients: Clients, run_id: str) -> list[Instance]:
    """All instances of a run, in one look, terminated ones too as long as EC2 shows them."""
    return _instances(clients, f"tag:{TAG}:run", run_id)


def managed_instances(clients: Clients) -> list[Instance]:
    """All instances of any run of ours in the region, in one look."""
    return _instances(clients, "tag:managed-by", TAG)


def regions(clients: Clients) -> list[str]:
    """The regions that the account may use."""
    return sorted(str(region["RegionName"]) for region in clients("ec2").describe_regions()["Regions"])


def terminate(clients: Clients, instance_ids: Sequence[str]) -> None:
    """Terminates all of them; where one is unknown EC2 terminates none, so then each by itself."""
    if not instance_ids:
        return
    with unless("InvalidInstanceID"):
        clients("ec2").terminate_instances(InstanceIds=list(instance_ids))
        return
    for instance_id in instance_ids if len(instance_ids) > 1 else ():
        terminate(clients, [instance_id])


def console_output(clients: Clients, instance_id: str) -> str:
    """What the instance wrote to its console, as far as EC2 has it.

    Of its end EC2 has it some time later; Nitro instances are asked for the latest at once (EC2 API,
    GetConsoleOutput), others refuse that.
    """
    from botocore.exceptions import ClientError

    text = clients("ec2").get_console_output(InstanceId=instance_id).get("Output") or ""
    if not text:
        try:
            text = clients("ec2").get_console_output(InstanceId=instance_id, Latest=True).get("Output") or ""
        except ClientError:
            return ""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return str(text)  # botocore has decoded it


def _instances(clients: Clients, name: str, value: str) -> list[Instance]:
    """The instances that a filter of DescribeInstances lets through."""
    pages = clients("ec2").get_paginator("describe_instances").paginate(Filters=[{"Name": name, "Values": [value]}])
    return [
        _instance(item, group.get("ReservationId", ""))
        for page in pages
        for group in page["Reservations"]
        for item in group["Instances"]
    ]


def _instance(item: Mapping[str, Any], reservation: str = "") -> Instance:
    """An instance of DescribeInstances."""
    tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}
    reason = (item.get("StateReason") or {}).get("Message") or item.get("StateTransitionReason") or ""
    return Instance(
        instance_id=item["InstanceId"],
        state=item["State"]["Name"],
        reason=reason,
        zone=(item.get("Placement") or {}).get("AvailabilityZone", ""),
        job=tags.get(f"{TAG}:job", ""),
        attempt=_whole(tags.get(f"{TAG}:attempt")),
        token=tags.get(f"{TAG}:token", ""),
        run=tags.get(f"{TAG}:run", ""),
        subnet=item.get("SubnetId", ""),
        launched=item.get("LaunchTime"),
        deadline=tag_time(tags.get(f"{TAG}:deadline", "")),
        fallback=f"{TAG}:fallback" in tags,
        usd_per_hour=json_fields.usd(tags.get(f"{TAG}:price")),
        reservation=reservation,
        count=_whole(tags.get(f"{TAG}:count")),
        index=int(item.get("AmiLaunchIndex", 0)),
    )


def _whole(text: str | None) -> int:
    """The number in a tag, which is anybody's who may tag; 1 where there is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else 1


def tag_time(text: str) -> datetime | None:
    """The time in a tag, which names its zone; None where the text is none."""
    names_zone = re.search(r"(Z|[+-]\d\d:?\d\d)$", text) is not None
    return json_fields.moment(text) if names_zone else None


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as EC2's calls take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]

"""What an image asks of the disk that it is launched with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients


@dataclass(frozen=True, slots=True)
class RootDevice:
    """An image's root: another name would add a disk, a smaller size is refused (scylladb #6999)."""

    name: str = "/dev/xvda"
    gib: int = 8


def root_device(clients: Clients, image_id: str) -> RootDevice:
    """The root of an image, by DescribeImages; Amazon Linux's where EC2 does not tell."""
    images = clients("ec2").describe_images(ImageIds=[image_id])["Images"]
    shown = images[0] if images else {}
    name = shown.get("RootDeviceName") or RootDevice().name
    disks = {disk.get("DeviceName"): disk.get("Ebs") or {} for disk in shown.get("BlockDeviceMappings", ())}
    return RootDevice(name, int(disks.get(name, {}).get("VolumeSize") or RootDevice().gib))

"""Which image a job boots, and what that image asks of the disk that it is launched with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_benchmark_aws.aws import ec2
from pytest_benchmark_aws.aws.errors import code_of
from pytest_benchmark_aws.core.instance_type_names import family_of

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.core.catalog import InstanceType
    from pytest_benchmark_aws.core.model import Job

Kind = Literal["x86_64", "arm64", "x86_64-gpu", "arm64-gpu"]
"""Of the default images: Amazon Linux 2023 of an architecture, and for GPU types the Deep Learning AMI on top of it."""
GPU_IMAGE = "/aws/service/deeplearning/ami/{arch}/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id"
"""The public parameter of the Deep Learning AMI that brings NVIDIA's driver and CUDA and no framework (DLAMI guide,
"Finding the ID of a DLAMI"; both architectures)."""
GPU_IMAGE_NAMES = {
    "x86_64": "Deep Learning Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023) *",
    "arm64": "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023) *",
}
"""As its release notes title it, then the day of the build."""
_OLDER_GPUS = {"g2": "K520", "g3": "M60", "g3s": "M60", "p2": "K80", "p3": "V100", "p3dn": "V100"}
"""Family -> its NVIDIA GPU, which the open kernel modules of the image do not drive: they need Turing or later (NVIDIA,
open-gpu-kernel-modules, README), and the release notes list none of these families."""
_OTHER_ACCELERATORS = {
    **dict.fromkeys(("dl1", "dl2q"), "a Gaudi or Qualcomm accelerator"),
    "g4ad": "an AMD GPU",
    **dict.fromkeys(("g6f", "gr6f"), "a share of an L4, which NVIDIA's GRID driver runs,"),
    **dict.fromkeys(("inf1", "inf2"), "Inferentia"),
    **dict.fromkeys(("trn1", "trn1n", "trn2", "trn2u", "trn3"), "Trainium"),
}
"""Family -> what it has, for which neither default image has a driver (EC2 user guide, "Accelerated computing")."""


@dataclass(frozen=True, slots=True)
class RootDevice:
    """An image's root: another name would add a disk, a smaller size is refused (scylladb #6999)."""

    name: str = "/dev/xvda"
    gib: int = 8


def kind_of(job: Job) -> Kind:
    """The kind of default image that a job boots."""
    kinds: dict[tuple[str, bool], Kind] = {
        ("x86_64", False): "x86_64",
        ("x86_64", True): "x86_64-gpu",
        ("arm64", False): "arm64",
        ("arm64", True): "arm64-gpu",
    }
    return kinds[job.arch, job.instance_type.gpus > 0]


def image(clients: Clients, kind: Kind) -> str:
    """The image id of the newest default image of a kind, by AWS's public parameter.

    A region that lacks the Deep Learning AMI's parameter is asked for the newest image of its name.

    Raises:
        botocore.exceptions.ClientError: AWS refuses, or has no such image.
    """
    from botocore.exceptions import ClientError

    arch, _, gpu = kind.partition("-")
    if not gpu:
        return ec2.image(clients, arch)
    try:
        return str(clients("ssm").get_parameter(Name=GPU_IMAGE.format(arch=arch))["Parameter"]["Value"])
    except ClientError as error:
        newest = newest_by_name(clients, GPU_IMAGE_NAMES[arch]) if code_of(error) == "ParameterNotFound" else None
        if newest is None:
            raise
        return newest


def newest_by_name(clients: Clients, name: str) -> str | None:
    """The image of that name that Amazon made last; ``*`` stands for any text. None where there is none."""
    filters = [{"Name": "name", "Values": [name]}, {"Name": "state", "Values": ["available"]}]
    images = clients("ec2").describe_images(Owners=["amazon"], Filters=filters)["Images"]
    newest = max(images, key=lambda shown: str(shown.get("CreationDate", "")), default=None)
    return None if newest is None else str(newest["ImageId"])


def root_device(clients: Clients, image_id: str) -> RootDevice:
    """The root of an image, by DescribeImages; Amazon Linux's where EC2 does not tell."""
    images = clients("ec2").describe_images(ImageIds=[image_id])["Images"]
    shown = images[0] if images else {}
    name = shown.get("RootDeviceName") or RootDevice().name
    disks = {disk.get("DeviceName"): disk.get("Ebs") or {} for disk in shown.get("BlockDeviceMappings", ())}
    return RootDevice(name, int(disks.get(name, {}).get("VolumeSize") or RootDevice().gib))


def unsupported(instance_type: InstanceType) -> str | None:
    """Why no default image serves an instance type, and what to name instead; None where one does."""
    name, family = instance_type.name, family_of(instance_type.name)
    own = "or name an image that does with --aws-ami"
    if family == "a1":
        # Amazon Linux 2023 is for Graviton2 and later (AL2023 user guide, "System requirements"; CDK,
        # EcsMachineImageType).
        return (
            f"{name}: Amazon Linux 2023 does not run on A1 (Graviton1): choose a later type such as m6g or c7g, {own}"
        )
    if family in _OLDER_GPUS:
        return (
            f"{name}: the Deep Learning AMI's driver does not run its {_OLDER_GPUS[family]}, it needs a GPU of 2018 "
            f"(Turing) or later: choose g5.xlarge, g6.xlarge or another current type, {own}"
        )
    if family in _OTHER_ACCELERATORS:
        return (
            f"{name} has {_OTHER_ACCELERATORS[family]} and no NVIDIA GPU that the Deep Learning AMI drives: choose "
            f"g5.xlarge, g6.xlarge or another current type, {own}"
        )
    return None

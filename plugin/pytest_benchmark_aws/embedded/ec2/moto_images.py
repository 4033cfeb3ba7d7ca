"""The machine images of embedded AWS in moto's models: Amazon Linux 2023 and the Deep Learning AMI for GPU types."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models.amis import Ami
from moto.ssm.models import Parameter, ssm_backends

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend

AMI_PARAMETERS = {
    arch: f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}" for arch in ("x86_64", "arm64")
}
GPU_AMI_PARAMETERS = {
    arch: f"/aws/service/deeplearning/ami/{arch}/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id"
    for arch in ("x86_64", "arm64")
}
"""DLAMI guide, "Finding the ID of a DLAMI"."""
_GPU_NAMES = {
    "x86_64": "Deep Learning Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023)",
    "arm64": "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023)",
}
"""DLAMI release notes; the day of the build follows."""
_GPU_BUILDS = ("20260803", "20260901")
"""Older ones stay for a while: the last is what the parameter names."""
_GPU_OWNER = "898082745236"
"""Of the DLAMIs, by Terraform modules and launch scripts that name it; in some regions another, so that AWS's own guide
asks for the owner ``amazon``."""
ROOT_GIB = 8
"""Of an Amazon Linux 2023 image."""
GPU_ROOT_GIB = 75
"""Of the Deep Learning AMI: a smaller root is refused (as published Terraform modules of self-hosted runners say, and a
build of 2026-09-25 has)."""


class Image(Ami):
    """An image that says how large its root is, of which moto says 15 GiB always."""

    root_gib = ROOT_GIB
    has_nvidia_driver = False

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        """As DescribeImages shows them."""
        (root,) = super().block_device_mappings
        return [{**root, "Ebs": {**root["Ebs"], "VolumeSize": self.root_gib, "VolumeType": "gp3"}}]


class GpuImage(Image):
    """The Deep Learning AMI."""

    root_gib = GPU_ROOT_GIB
    has_nvidia_driver = True


def fill(backend: EC2Backend, region: str) -> None:
    """Gives a region the images that Systems Manager's public parameters name, and an older Deep Learning AMI."""
    parameters = ssm_backends[DEFAULT_ACCOUNT_ID][region]
    for arch, name in AMI_PARAMETERS.items():
        parameter = parameters.get_parameter(name)
        # moto's SSM and its EC2 ship different images: an id that SSM names may be missing from EC2.
        if parameter is not None and parameter.value not in backend.amis:
            image_name, owner = f"al2023-ami-2023-kernel-default-{arch}", "137112412989"
            backend.amis[parameter.value] = _image(Image, backend, parameter.value, image_name, owner, arch, region)
    for arch, name in GPU_AMI_PARAMETERS.items():
        ids = [f"ami-0{hashlib.sha256(f'{region} {arch} {day}'.encode()).hexdigest()[:16]}" for day in _GPU_BUILDS]
        for image_id, day in zip(ids, _GPU_BUILDS, strict=True):
            if image_id not in backend.amis:
                title = f"{_GPU_NAMES[arch]} {day}"
                image = _image(GpuImage, backend, image_id, title, _GPU_OWNER, arch, region)
                image.creation_date = datetime.strptime(day, "%Y%m%d").replace(tzinfo=timezone.utc)
                backend.amis[image_id] = image
        if parameters.get_parameter(name) is None:
            now = datetime.now(timezone.utc)
            made = Parameter(  # type: ignore[abstract]  # so does moto
                DEFAULT_ACCOUNT_ID, name, ids[-1], "String", None, None, None, now, version=1, data_type="text"
            )
            parameters._parameters[name].append(made)


def root_device_of(image: Ami | None) -> tuple[str, int]:
    """Name and size in GiB of an image's root device."""
    name = str(getattr(image, "root_device_name", None) or "/dev/sda1")
    return name, image.root_gib if isinstance(image, Image) else ROOT_GIB


def has_nvidia_driver(image: Ami | None) -> bool:
    """Whether an image brings NVIDIA's driver."""
    return isinstance(image, Image) and image.has_nvidia_driver


def _image(
    kind: type[Image], backend: EC2Backend, image_id: str, name: str, owner: str, arch: str, region: str
) -> Image:
    return kind(
        backend,
        image_id,
        name=name,
        owner_id=owner,
        owner_alias="amazon",
        public=True,
        virtualization_type="hvm",
        architecture=arch,
        hypervisor="xen",
        root_device_type="ebs",
        root_device_name="/dev/xvda",
        region_name=f"{region}a",
    )

"""The made-up nvidia-smi of GPU types: on the Deep Learning AMI alone, from when its driver is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.embedded.conftest import World

DLAMI = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id"
ASKS = "#!/bin/sh\nnvidia-smi -L\necho status $?\n"


def test_the_public_parameters_name_the_newest_deep_learning_amis(world: World) -> None:
    """Of both architectures, of 75 GiB, owned by Amazon."""
    for arch in ("x86_64", "arm64"):
        (image,) = world.ec2.describe_images(ImageIds=[world.ami(DLAMI.replace("x86_64", arch))])["Images"]
        assert (image["Architecture"], image["ImageOwnerAlias"], image["Public"]) == (arch, "amazon", True)
        assert image["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 75
        filters = [{"Name": "name", "Values": [image["Name"].rpartition(" ")[0] + " *"]}]
        builds = world.ec2.describe_images(Owners=["amazon"], Filters=filters)["Images"]
        assert max(builds, key=lambda build: build["CreationDate"])["ImageId"] == image["ImageId"]
        assert len(builds) == 2


def test_amazon_linux_has_eight_gib(world: World) -> None:
    """As DescribeImages shows it, and as RunInstances holds a root to it."""
    (image,) = world.ec2.describe_images(ImageIds=[world.ami()])["Images"]
    assert image["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 8


def test_a_gpu_type_shows_its_gpus_and_says_that_they_are_made_up(world: World) -> None:
    """As many as the catalog has."""
    instance = world.launch(ASKS, instance_type="g5.12xlarge", ImageId=world.ami(DLAMI))
    lines = world.wait_for_line(instance, "status").splitlines()
    assert [line.partition(" (UUID")[0] for line in lines if line.startswith("GPU")] == [
        f"GPU {number}: NVIDIA A10G (embedded)" for number in range(4)
    ]
    assert "status 0" in lines


@pytest.mark.parametrize(("instance_type", "image"), [("g5.xlarge", None), ("m5.large", DLAMI)])
def test_without_gpu_or_driver_there_is_no_command(world: World, instance_type: str, image: str | None) -> None:
    """Plain Amazon Linux brings no driver, m5 has no GPU; the host's own command is none of the guest's business."""
    script = ASKS.replace("nvidia-smi", 'PATH="${PATH%%:*}" nvidia-smi')
    options = {"ImageId": world.ami(image)} if image else {}
    instance = world.launch(script, instance_type=instance_type, **options)
    assert "status 127" in world.wait_for_line(instance, "status")


def test_the_driver_may_take_its_time(tmp_path: Path) -> None:
    """Until then the command fails as NVIDIA's does."""
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings
    from tests.embedded.conftest import World

    with EmbeddedAWS(tmp_path / "aws", Settings(state_delay=0.05, kill_grace=0.2, driver_delay=60)) as aws:
        world = World(aws)
        instance = world.launch(ASKS, instance_type="g5.xlarge", ImageId=world.ami(DLAMI))
        console = world.wait_for_line(instance, "status")
    assert "couldn't communicate with the NVIDIA driver" in console
    assert "status 9" in console

"""Which image a GPU type boots, how large its root is, and which types no image serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.aws import ec2, images
from pytest_benchmark_aws.aws.images import RootDevice
from pytest_benchmark_aws.backends.ec2 import launch_checks
from pytest_benchmark_aws.backends.ec2.candidates import launchable
from pytest_benchmark_aws.backends.ec2.launch_checks import Options, Place
from pytest_benchmark_aws.backends.ec2.request import awaited_gpus, launch_request
from pytest_benchmark_aws.backends.protocol import Placement
from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.fit import misfits
from pytest_benchmark_aws.core.instance_type_names import family_of
from pytest_benchmark_aws.core.model import Case, Job, Requirements
from pytest_benchmark_aws.core.plan import as_machine
from tests.run.fake_backend import make_job

if TYPE_CHECKING:
    from tests.faults.world import World

MIXED = ("g5.xlarge", "g5g.xlarge", "m5.large", "m7g.large")


def look(world: World, *names: str, ami: str | None = None) -> tuple[Place, list[str]]:
    """What the preflight finds of types."""
    return launch_checks.look(world.clients(), Options(ami=ami), [make_job(name) for name in names])


def asking(name: str, gpu: int | None) -> Job:
    """A job whose one case asks for GPUs."""
    job = make_job(name)
    case = Case("t", "t", job.target, Requirements(gpu=gpu))
    return Job(job.target, job.instance_type, (case,), job.price, job.time_limit_s)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("g4dn.xlarge", "x86_64-gpu"),
        ("g6.xlarge", "x86_64-gpu"),
        ("p4d.24xlarge", "x86_64-gpu"),
        ("p6-b200.48xlarge", "x86_64-gpu"),
        ("g5g.xlarge", "arm64-gpu"),
        ("m5.large", "x86_64"),
        ("t2.micro", "x86_64"),
        ("m7g.large", "arm64"),
    ],
)
def test_the_kind_of_image_is_of_architecture_and_gpu(name: str, kind: str) -> None:
    """By the catalog, whether a case asks for a GPU or not."""
    assert images.kind_of(make_job(name)) == kind


def test_gpu_types_take_the_deep_learning_ami(world: World) -> None:
    """Each kind its own image, with a root as large as it needs, beside plain Amazon Linux in one run."""
    place, problems = look(world, *MIXED)
    assert problems == []
    shown = {
        kind: world.clients()("ec2").describe_images(ImageIds=[image_id])["Images"][0]
        for kind, image_id in place.images.items()
    }
    assert shown["x86_64-gpu"]["Name"] == "Deep Learning Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023) 20260901"
    assert shown["arm64-gpu"]["Name"].startswith("Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI")
    assert shown["x86_64"]["Name"].startswith("al2023-ami-2023")
    assert {kind: image["Architecture"] for kind, image in shown.items()} == {
        "x86_64": "x86_64", "arm64": "arm64", "x86_64-gpu": "x86_64", "arm64-gpu": "arm64",
    }  # fmt: skip
    roots = {kind: place.roots[image_id] for kind, image_id in place.images.items()}
    assert (roots["x86_64-gpu"], roots["arm64"]) == (RootDevice("/dev/xvda", 75), RootDevice("/dev/xvda", 8))


def test_a_launch_asks_for_its_jobs_image_and_root(world: World) -> None:
    """75 GiB for the Deep Learning AMI, the usual 30 for the other; EC2 refuses a root that is smaller."""
    place, _ = look(world, *MIXED)
    subnet = place.subnets[0].subnet_id
    disks = {}
    for name in ("g5.xlarge", "m5.large"):
        job = make_job(name)
        asked = launch_request("run", job, Placement("t", "z", subnet, 1), place, "#!/bin/sh", Options()).parameters()
        assert asked["ImageId"] == place.images[images.kind_of(job)]
        disks[name] = asked["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"]
    assert disks == {"g5.xlarge": 75, "m5.large": 30}
    small = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30}}
    words = {"MinCount": 1, "MaxCount": 1, "InstanceType": "g5.xlarge", "BlockDeviceMappings": [small]}
    with pytest.raises(Exception, match=r"InvalidBlockDeviceMapping.*expect size >= 75GB"):
        world.clients()("ec2").run_instances(ImageId=place.images["x86_64-gpu"], **words)


def test_an_image_of_the_users_wins(world: World) -> None:
    """For GPU types and others alike."""
    own = ec2.image(world.clients(), "x86_64")
    place, problems = look(world, "g5.xlarge", "m5.large", ami=own)
    assert (problems, set(place.images.values())) == ([], {own})


def test_without_the_parameter_the_newest_image_of_the_name_is_taken(world: World) -> None:
    """A region that lacks it has the images; the newest is what the parameter would name."""
    named = [images.image(world.clients(), kind) for kind in ("x86_64-gpu", "arm64-gpu")]
    world.fault("GetParameter", "ParameterNotFound", times=2)
    assert [images.image(world.clients(), kind) for kind in ("x86_64-gpu", "arm64-gpu")] == named
    builds = world.clients()("ec2").describe_images(Owners=["amazon"])["Images"]
    assert sum(build["Name"].startswith("Deep Learning Base") for build in builds) == 2


def test_another_refusal_of_the_parameter_is_told(world: World) -> None:
    """What the policy lacks is no reason to look for another image."""
    world.fault("GetParameter", "AccessDeniedException")
    (problem,) = look(world, "g5.xlarge")[1]
    assert "AWS refused to answer" in problem


def test_where_no_image_has_the_name_none_is_taken(world: World) -> None:
    """It is the parameter's absence that is told then."""
    assert images.newest_by_name(world.clients(), "Deep Learning AMI that nobody made *") is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("p3.2xlarge", "does not run its V100"),
        ("p3dn.24xlarge", "does not run its V100"),
        ("p2.xlarge", "does not run its K80"),
        ("g3.4xlarge", "does not run its M60"),
        ("g4ad.xlarge", "has an AMD GPU and no NVIDIA GPU"),
        ("g6f.large", "GRID driver"),
        ("trn1.2xlarge", "has Trainium and no NVIDIA GPU"),
        ("inf2.xlarge", "has Inferentia and no NVIDIA GPU"),
        ("dl1.24xlarge", "Gaudi"),
    ],
)
def test_types_that_no_default_image_drives_have_a_reason(name: str, words: str) -> None:
    """In one sentence, with what to name instead."""
    why = images.unsupported(catalog().types[name])
    assert why is not None
    assert why.startswith(name)
    assert words in why
    assert "choose g5.xlarge, g6.xlarge" in why


def test_the_preflight_refuses_them_and_judges_no_image_of_the_users(world: World) -> None:
    """Before anything is launched."""
    names = ("g4ad.xlarge", "p3.2xlarge", "g5.xlarge")
    reasons = [problem for problem in look(world, *names)[1] if "--aws-ami" in problem]
    assert [reason.split()[0].rstrip(":") for reason in reasons] == ["g4ad.xlarge", "p3.2xlarge"]
    own = ec2.image(world.clients(), "x86_64")
    assert not any("--aws-ami" in problem for problem in look(world, *names, ami=own)[1])


def test_a_search_chooses_none_of_them(world: World) -> None:
    """What would be refused is no candidate, though the catalog counts its GPUs."""
    names = ("a1.large", "g5.xlarge", "m5.large", "p3dn.24xlarge", "inf1.xlarge")
    types = [catalog().types[name] for name in names]
    assert launchable(world.clients(), types, "on-demand") == {"g5.xlarge", "m5.large"}


def test_every_gpu_type_of_the_catalog_is_decided() -> None:
    """The families that the release notes list are launched, the older ones are refused; there are no others."""
    families = {family_of(t.name) for t in catalog().types.values() if t.gpus}
    refused = {family_of(t.name) for t in catalog().types.values() if t.gpus and images.unsupported(t)}
    assert refused == {"p2", "p3", "p3dn"}
    assert families - refused == {
        "g4dn", "g5", "g5g", "g6", "g6e", "g7", "g7e", "gr6", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300",
    }  # fmt: skip


def test_a_type_of_which_only_the_price_is_known_is_no_misfit() -> None:
    """Whether g4ad has a GPU the catalog does not say: the preflight tells what is wrong with it."""
    assert misfits(Requirements(gpu=1), as_machine(catalog().types["g4ad.xlarge"])) == ()
    assert misfits(Requirements(gpu=1), as_machine(catalog().types["m5.large"])) == ("needs 1 GPU, m5.large has 0",)


@pytest.mark.parametrize(
    ("name", "gpu", "ami", "awaited"),
    [
        ("m5.large", None, None, 0),
        ("g5.12xlarge", None, None, 4),
        ("g5.12xlarge", 1, None, 4),
        ("g5.xlarge", None, "ami-1", 0),
        ("g5.xlarge", 1, "ami-1", 1),
    ],
)
def test_the_driver_is_awaited_where_it_must_be_there(
    name: str, gpu: int | None, ami: str | None, awaited: int
) -> None:
    """On the Deep Learning AMI always; on an image of the user's where a case asks for a GPU."""
    assert awaited_gpus(asking(name, gpu), Options(ami=ami)) == awaited

"""Rows 37 to 40 of the fault table: what cannot be launched at all, and a network that is cut."""

from __future__ import annotations

import platform
import threading
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.bundle import wheels
from tests.acceptance.awsproject import Done, make_project, pytest_aws
from tests.bundle.sites import pins
from tests.faults.guests import HERE
from tests.faults.proxy import Proxy
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.world import World

TEST = """\
import pytest

@pytest.mark.instance_type("{0}")
def test_it(benchmark):
    benchmark.pedantic(int, rounds=2)
"""
OWN = "m7g.medium" if platform.machine() in {"aarch64", "arm64"} else "m5.large"


def on_account(world: World, root: Path, *args: str, **extra: str) -> Done:
    """``pytest --aws`` as on an account, which the embedded AWS of the test is."""
    return pytest_aws(root, "--aws", "--aws-target=cloud", *args, **{**world.aws.environment(), **extra})


def refused(world: World, done: Done) -> str:
    """The error of a command that was refused before anything was launched."""
    assert done.code == 4, done.text
    assert "Traceback" not in done.text
    assert world.calls("RunInstances") == 0
    return done.err


def test_fault_37_an_unknown_type_names_its_neighbours(world: World, tmp_path: Path) -> None:
    """A type that is not in the catalog is refused with those whose names are near."""
    root = make_project(tmp_path / "project", {"test_it.py": TEST.format("m5.9xlarge")})
    assert "did you mean 'm5." in refused(world, on_account(world, root))


def test_fault_37_a_type_that_is_not_in_the_region_names_the_way_out(world: World, tmp_path: Path) -> None:
    """A type that exists and is not offered here is refused with the region and what to change."""
    root = make_project(tmp_path / "project", {"test_it.py": TEST.format("a1.large")})
    done = on_account(world, root, "--aws-region=us-west-1", "--aws-price=a1.large=0.06")
    assert "a1.large is not offered in us-west-1: choose another type or --aws-region" in refused(world, done)


def test_fault_37_no_default_vpc_names_the_command(world: World, tmp_path: Path) -> None:
    """Without a default VPC the error has the command that makes one, and the option that does without."""
    ec2 = world.clients()("ec2")
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    root = make_project(tmp_path / "project", {"test_it.py": TEST.format(OWN)})
    said = refused(world, on_account(world, root))
    assert "region us-east-1 has no default VPC: make one (aws ec2 create-default-vpc)" in said
    assert "--aws-subnet" in said


def wheel(folder: Path, name: str, version: str, tag: str = "py3-none-any") -> None:
    """An empty wheel for a platform."""
    info = f"{name.replace('-', '_')}-{version}"
    with zipfile.ZipFile(folder / f"{info}-{tag}.whl", "w") as archive:
        archive.writestr(f"{info}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}.dist-info/RECORD", "")


def test_fault_38_a_dependency_without_an_arm64_wheel_is_found_before_the_launch(world: World, tmp_path: Path) -> None:
    """For a Graviton type, a dependency of which there is an x86-64 wheel alone is refused by name, in pip's words."""
    links = tmp_path / "links"
    links.mkdir()
    python = wheels.guest_python(local=False)[0]
    for name, version in pins((), wheels.Target(python, "arm64", local=False)).items():
        wheel(links, name, version)
    tag = f"cp{python.replace('.', '')}"
    wheel(links, "only-x86", "1.0", f"{tag}-{tag}-manylinux_2_17_x86_64")
    root = make_project(
        tmp_path / "project", {"test_it.py": TEST.format("m7g.medium"), "requirements.txt": "only-x86==1.0\n"}
    )
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(links), "PYTEST_BENCHMARK_AWS_CACHE": str(tmp_path / "cache")}
    with Proxy(world.aws.endpoint, disguised=True) as proxy:  # else the wheels would be those of this machine
        index["AWS_ENDPOINT_URL"] = proxy.url
        done = on_account(world, root, "--aws-requirements=requirements.txt", **index)
    said = refused(world, done)
    assert f"no wheels for Amazon Linux 2023 on arm64 with Python {python}" in said
    assert "No matching distribution found for only-x86==1.0" in said


FINISHES_ONE = """\
import threading

def test_quick(benchmark):
    benchmark.pedantic(int, rounds=2)

def test_hangs(benchmark):
    threading.Event().wait()
"""


def test_fault_39_a_sagemaker_timeout_keeps_the_partial_result(
    tmp_path: Path, no_backoff: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM and its 120 s are trapped, and what was finished is kept: the real agent, with one of two tests done."""
    from pytest_benchmark_aws.embedded.sagemaker.training import Training
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings
    from tests.faults.training import TrainingWorld, make_jobs

    names = [f"test_it.py::{name}" for name in ("test_quick", "test_hangs")]
    with EmbeddedAWS(tmp_path / "aws", Settings(state_delay=0.03)) as aws:
        world = TrainingWorld(aws, tmp_path / "here")

        def limit(*_: object) -> str:
            """MaxRuntimeInSeconds, which is over as soon as the second test runs."""
            return "MaxRuntimeExceeded" if any("1/2 test_it.py" in line for line in world.watched) else ""

        monkeypatch.setattr(Training, "_limit_that_passed", limit)
        (done,) = world.run(make_jobs(cases=names), script=None, source=FINISHES_ONE)
        assert "MaxRuntimeExceeded" in done.outcome.outcome
        assert not done.outcome.whole
        assert "SIGTERM: what is finished is uploaded" in done.outcome.log
        assert world.alive() == []
    measured = [bench["fullname"] for line in done.outcome.lines for bench in line.get("benchmarks", ())]
    assert measured == ["test_it.py::test_quick"]


@pytest.mark.skipif(HERE not in wheels.PACKAGED_PYTHONS, reason="Amazon Linux 2023 has no package of this Python")
def test_fault_40_a_run_goes_on_where_the_network_was_cut(world: World, tmp_path: Path) -> None:
    """Connections that end in the middle of the shipped wheels, and then none for a while: the run still succeeds."""
    root = make_project(tmp_path / "project", {"test_it.py": TEST.format(OWN)})

    with Proxy(world.aws.endpoint) as proxy:
        proxy.cut_next_answer_after(2**20)  # the guest's download

        def cut_when_it_runs() -> None:
            wait_until(lambda: world.calls("RunInstances"))
            wait_until(lambda: proxy.cut_short)
            proxy.cut(3)

        cutter = threading.Thread(target=cut_when_it_runs)
        cutter.start()
        done = on_account(world, root, AWS_ENDPOINT_URL=proxy.url)
        cutter.join()
        assert (done.code, proxy.cut_short, proxy.refused) == (0, 1, 3), done.text
    assert "1 passed" in done.out
    assert "0 instances of this run are alive" in done.out
    (instance,) = world.instances()
    assert instance["state"] in {"shutting-down", "terminated"}

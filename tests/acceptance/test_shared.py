"""``--benchmark-storage=s3://bucket/prefix`` by the real command lines, on an embedded AWS that outlives them."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.bundle.wheels import PACKAGED_PYTHONS
from pytest_benchmark_aws.embedded.control_client import control
from pytest_benchmark_aws.machine.folders import cache_folder
from tests.acceptance.awsproject import Done, environment, make_project, pytest_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

TYPE = "m7g.medium" if platform.machine() in {"aarch64", "arm64"} else "m5.large"  # embedded guests are of this machine
TESTS = {
    "test_it.py": "def test_it(benchmark): benchmark.pedantic(int, rounds=3)\n",
    "pytest.ini": "[pytest]\n",
}
LOADED = """\
import sys

def pytest_unconfigure(config):
    print("loaded:", sorted({"boto3", "botocore", "moto"} & sys.modules.keys()))
"""
DIE = """\
import os, signal, pytest

def pytest_addoption(parser):
    parser.addoption("--die", action="store_true")

@pytest.hookimpl(tryfirst=True)  # pytest-benchmark has saved, nothing is uploaded
def pytest_sessionfinish(session):
    if session.config.option.die:
        os.kill(os.getpid(), signal.SIGKILL)
"""


class Team:
    """A bucket, a project, and machines that share nothing but the bucket."""

    def __init__(self, root: Path, aws: dict[str, str], bucket: str) -> None:
        import boto3

        self.root, self.aws, self.bucket = root, aws, bucket
        self.storage = f"--benchmark-storage=s3://{bucket}/bench"
        keys = {"aws_access_key_id": aws["AWS_ACCESS_KEY_ID"], "region_name": "us-east-1"}
        keys |= {"aws_secret_access_key": aws["AWS_SECRET_ACCESS_KEY"]}
        self.s3 = boto3.client("s3", endpoint_url=aws["AWS_ENDPOINT_URL"], **keys)

    def cache(self, machine: str) -> Path:
        """A machine's cache folder."""
        return self.root.parent / machine

    def pytest(self, machine: str, *args: str, **extra: str) -> Done:
        """A whole pytest on a machine."""
        cache = {"PYTEST_BENCHMARK_AWS_CACHE": str(self.cache(machine))}
        return pytest_aws(self.root, self.storage, *args, **{**self.aws, **cache, **extra})

    def place(self, machine: str) -> Path:
        """The folder that stock pytest-benchmark reads there."""
        (found,) = (self.cache(machine) / "storage").glob(f"{self.bucket}*/bench")
        return found

    def here(self, machine: str) -> list[str]:
        """Names of the results there."""
        return sorted(path.name for path in self.place(machine).glob("*/*.json"))

    def keys(self) -> list[str]:
        """Names of the results in the bucket."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", ())
        return sorted(one["Key"] for one in listed if "/.numbers/" not in one["Key"])

    def change(self, **more: Any) -> None:
        """Changes the first result in the bucket, as another machine's, or a faster one's, would be."""
        key = self.keys()[0]
        data = json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        data["machine_info"]["node"] = "elsewhere"
        data["benchmarks"][0]["stats"].update(more)
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=json.dumps(data).encode())

    def control(self, path: str, payload: dict[str, Any] | None = None) -> Any:
        """A control request to the embedded AWS."""
        return control(self.aws, path, payload)

    def end_credentials(self, action: str, times: int = 1) -> None:
        """Lets AWS say that the credentials have ended."""
        self.control("faults", {"action": action, "code": "ExpiredToken", "status": 400, "times": times})


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """An embedded AWS of its own."""
    command = [sys.executable, "-m", "pytest_benchmark_aws.embedded", "--watch-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "# embedded AWS is ready\n")
        yield {key: value for key, _, value in (line.strip().partition("=") for line in lines)}
        process.stdin.close()


@pytest.fixture
def team(server: dict[str, str], tmp_path: Path) -> Team:
    """A fresh project and a fresh bucket."""
    name = f"team-{abs(hash(tmp_path)) % 10**9}"
    made = Team(make_project(tmp_path / "project", TESTS, git=False), server, name)
    made.s3.create_bucket(Bucket=name)
    return made


def test_two_machines_share_what_they_save(team: Team) -> None:
    """The second machine compares with the first one's result, saves its own, and the first has it the next time."""
    first = team.pytest("one", "--benchmark-save=x")
    assert first.code == 0, first.text
    assert re.search(r"aws: uploaded to s3://team-\d+/bench: .*/0001_x.json", first.out)
    second = team.pytest("two", "--benchmark-save=x", "--benchmark-compare")
    assert second.code == 0, second.text
    assert "1 results, 1 of them new here" in second.out
    assert "(0001_x)" in second.out
    third = team.pytest("one", "--benchmark-compare=0002")
    assert "(0002_x)" in third.out, third.text
    assert team.here("one") == team.here("two") == ["0001_x.json", "0002_x.json"]
    assert len(team.keys()) == 2


def test_the_stock_tool_reads_the_cache(team: Team) -> None:
    """``pytest-benchmark --storage=file://<cache> compare`` shows both machines' results."""
    team.pytest("one", "--benchmark-save=x")
    team.pytest("two", "--benchmark-save=x")
    command = [sys.executable, "-m", "pytest_benchmark", f"--storage=file://{team.place('two')}", "compare"]
    done = subprocess.run(command, cwd=team.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"^test_it \((000\d_x)\)", done.stdout, re.MULTILINE)) == {"0001_x", "0002_x"}


def test_a_session_that_is_killed_after_it_saved_is_made_good_by_the_next(team: Team) -> None:
    """Its result is in the cache, and the next session that saves or compares uploads it."""
    (team.root / "conftest.py").write_text(DIE)
    killed = team.pytest("one", "--benchmark-save=x", "--die")
    assert killed.code == -9
    assert team.keys() == []
    assert team.here("one") == ["0001_x.json"]
    done = team.pytest("one", "--benchmark-compare")
    assert done.code == 0, done.text
    assert "0001_x.json" in done.out.partition("aws: uploaded to")[2]
    assert len(team.keys()) == 1


def test_a_regression_against_a_shared_baseline_fails_and_is_uploaded(team: Team) -> None:
    """--benchmark-compare-fail ends as with files here, and what was saved is shared all the same."""
    team.pytest("one", "--benchmark-save=x")
    team.change(min=1e-12)
    done = team.pytest("two", "--benchmark-save=y", "--benchmark-compare", "--benchmark-compare-fail=min:5%")
    assert done.code != 0
    assert "Performance has regressed" in done.text
    assert "0002_y.json" in done.out.partition("aws: uploaded to")[2], done.text
    passing = team.pytest("two", "--benchmark-compare=0002", "--benchmark-compare-fail=min:100000%")
    assert passing.code == 0, passing.text


def test_another_machines_information_is_told_and_is_no_internal_error(team: Team) -> None:
    """Stock pytest-benchmark ends in an internal error where a storage outside the working directory differs."""
    team.pytest("one", "--benchmark-save=x")
    team.change()
    done = team.pytest("two", "--benchmark-compare")
    assert done.code == 0, done.text
    assert re.search(r"machine_info is different in node \(here '.*', saved 'elsewhere'\)", done.err)
    assert "(0001_x)" in done.out


def test_any_storage_outside_the_working_directory_may_differ(team: Team) -> None:
    """The same holds of file://; inside the working directory stock pytest-benchmark's own warning is left."""
    outside, inside = (f"--benchmark-storage=file://{path}" for path in (team.root.parent / "out", team.root / "in"))
    for storage in (outside, inside):
        pytest_aws(team.root, storage, "--benchmark-save=x")
        (file,) = Path(storage.partition("file://")[2]).glob("*/*.json")
        data = json.loads(file.read_text())
        data["machine_info"]["node"] = "elsewhere"
        file.write_text(json.dumps(data))
    there, here = (pytest_aws(team.root, storage, "--benchmark-compare") for storage in (outside, inside))
    assert (there.code, here.code) == (0, 0), there.text + here.text
    assert "machine_info is different in node" in there.err
    assert "machine_info is different. Current" in here.err


def test_ended_credentials_cost_no_result(team: Team) -> None:
    """The session goes on with its cache, says as of when, keeps what it saved, passes, and the next one uploads."""
    team.pytest("one", "--benchmark-save=x")
    team.end_credentials("ListObjectsV2", times=2)
    done = team.pytest("one", "-q", "--benchmark-save=y", "--benchmark-compare")
    assert done.code == 0, done.text
    assert "was not synced: S3 does not take these credentials (ExpiredToken): log in again" in done.out
    assert re.search(r"compared with the cache as of its last sync, 20\d\d-", done.out)
    assert "1 results are not uploaded" in done.out
    assert f"they are kept in {team.place('one')}; the next session" in done.out
    assert len(team.keys()) == 1
    later = team.pytest("one", "--benchmark-compare")
    assert "0002_y.json" in later.out.partition("aws: uploaded to")[2]
    assert len(team.keys()) == 2


def test_without_credentials_a_session_says_so_and_keeps_its_result(team: Team) -> None:
    """Exit code 0, the message names the ways in, and that embedded AWS's own credentials do not count."""
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    done = team.pytest("one", "--benchmark-save=x", "--benchmark-compare", **none)
    assert done.code == 0, done.text
    assert "no AWS credentials were found: log in" in done.out
    assert "those that embedded AWS makes for itself do not count" in done.out
    assert "compared with the cache, which was never synced" in done.out
    assert team.here("one") == ["0001_x.json"]
    assert team.pytest("one", "--benchmark-compare").code == 0
    assert len(team.keys()) == 1


def test_without_a_network_a_session_says_so_and_keeps_its_result(team: Team) -> None:
    """Nobody listens at the endpoint: the tests pass, and the result waits."""
    done = team.pytest("one", "--benchmark-save=x", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert done.code == 0, done.text
    assert "Could not connect to the endpoint URL" in done.out
    assert "1 results are not uploaded" in done.out


def test_a_missing_bucket_ends_the_session_before_it_begins(team: Team) -> None:
    """Exit code 4, with the command that makes it."""
    team.storage = "--benchmark-storage=s3://nobody-made-this/bench"
    done = team.pytest("one", "--benchmark-save=x")
    assert done.code == 4
    assert "aws s3 mb s3://nobody-made-this" in done.err
    assert "passed" not in done.out


def test_a_wrong_url_is_refused_also_where_nothing_is_saved(team: Team) -> None:
    """Exit code 4, with the right shape; nobody is asked."""
    team.storage = "--benchmark-storage=s3://Team/bench"
    done = team.pytest("one")
    assert done.code == 4
    assert "'Team' is no bucket's name" in done.err
    assert "give s3://bucket/prefix" in done.err


def test_a_dry_run_tries_the_storage(team: Team) -> None:
    """A missing bucket ends it as it would a run, and what cannot be asked is said; nothing is fetched or made."""
    make_project(
        team.root, {"test_it.py": f"import pytest\n@pytest.mark.instance_type('{TYPE}')\n{TESTS['test_it.py']}"}
    )
    dry = ("--aws-dry-run", "--aws-target=embedded")
    done = team.pytest("one", *dry)
    assert (done.code, "whether results can be shared" in done.out) == (0, False), done.text
    unasked = team.pytest("one", *dry, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert unasked.code == 0, unasked.text
    assert "/bench: whether results can be shared there is not known: " in unasked.out
    team.storage = "--benchmark-storage=s3://nobody-made-this/bench"
    missing = team.pytest("one", *dry)
    assert missing.code == 4, missing.text
    assert "aws s3 mb s3://nobody-made-this" in missing.err
    assert team.keys() == []


@pytest.mark.parametrize("args", [(), ("--collect-only", "--benchmark-autosave"), ("--help", "--benchmark-autosave")])
def test_what_is_neither_saved_nor_compared_needs_no_aws(team: Team, args: tuple[str, ...]) -> None:
    """With the storage in the ini file a plain test run imports no boto3 and asks nobody."""
    (team.root / "pytest.ini").write_text(f"[pytest]\naddopts = {team.storage}\n")
    (team.root / "conftest.py").write_text(LOADED)
    before = len(team.control("calls"))
    done = team.pytest("one", *args)
    assert done.code == 0, done.text
    assert "loaded: []" in done.out
    assert len(team.control("calls")) == before


def test_a_storage_of_files_imports_no_boto3(team: Team) -> None:
    """Only an s3:// URL does."""
    (team.root / "conftest.py").write_text(LOADED)
    team.storage = "--benchmark-storage=file://there"
    done = team.pytest("one", "--benchmark-save=x", "--benchmark-compare")
    assert done.code == 0, done.text
    assert "loaded: []" in done.out


def test_workers_of_xdist_leave_the_storage_alone(team: Team) -> None:
    """pytest-benchmark is off there: nothing is synced, nothing uploaded, and nothing is in the way."""
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    before = len(team.control("calls"))
    done = team.pytest("one", "-n1", "--benchmark-autosave", "-p", "xdist")
    assert done.code == 0, done.text
    assert "1 passed" in done.out
    assert len(team.control("calls")) == before


def test_runs_on_instances_are_shared_too(team: Team) -> None:
    """With --aws each instance type's result goes up, and another machine compares each with its own."""
    if f"{sys.version_info.major}.{sys.version_info.minor}" not in PACKAGED_PYTHONS:
        pytest.skip("Amazon Linux 2023 has no package of this Python, so a launch needs another one here")
    for machine in ("one", "two"):
        team.cache(machine).mkdir()
        (cache_folder() / "wheels").mkdir(parents=True, exist_ok=True)
        (team.cache(machine) / "wheels").symlink_to(cache_folder() / "wheels")
    marked = f"import pytest\n@pytest.mark.instance_type('{TYPE}')\n{TESTS['test_it.py']}"
    # In the ini file the storage goes to the instance too, where it must mean nothing.
    ini = f"[pytest]\naddopts = {team.storage} --benchmark-autosave\n"
    make_project(team.root, {"test_it.py": marked, "pytest.ini": ini})
    first = team.pytest("one", "--aws", "--aws-target=cloud")
    assert first.code == 0, first.text
    (key,) = team.keys()
    assert key.startswith(f"bench/embedded-{TYPE}/0001_")
    second = team.pytest("two", "--aws", "--aws-target=cloud", "--benchmark-compare")
    assert second.code == 0, second.text
    assert f"embedded-{TYPE}/0001" in second.out, second.text
    assert len(team.keys()) == 2
    assert second.out.rstrip().splitlines()[-2].startswith("0 instances of this run are alive")
    shipped = team.pytest("one", "--aws", "--aws-dry-run", "--aws-show-bundle")
    assert "pytest-benchmark==" in shipped.out.replace("_", "-"), shipped.text
    assert "jmespath" not in shipped.out, shipped.text  # boto3 is here for us, so its parts are no part of the tests


def test_the_policy_is_printed_for_a_named_bucket_only() -> None:
    """A policy for a bucket that nobody named would be for the wrong one."""
    whole = [sys.executable, "-m", "pytest_benchmark_aws.cli", "policy", "storage"]
    done = subprocess.run(
        [*whole, "--bucket", "team", "--prefix", "a/b/"], capture_output=True, text=True, check=True, env=environment()
    )
    assert "arn:aws:s3:::team/a/b/*" in done.stdout
    wrong = subprocess.run(whole, capture_output=True, text=True, check=False, env=environment())
    assert wrong.returncode == 2
    assert "--bucket" in wrong.stderr

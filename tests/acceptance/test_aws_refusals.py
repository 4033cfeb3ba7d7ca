"""What ``--aws`` refuses, and what a dry run shows: nothing is made, and no credentials are needed."""

from __future__ import annotations

import importlib.util
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.awsproject import make_project, pytest_aws

if TYPE_CHECKING:
    from pathlib import Path

TEST = """\
import pytest

@pytest.mark.instance_type("m5.large", "c5.24xlarge")
@pytest.mark.requires(memory="100 GiB")
def test_big(benchmark): raise SystemError("ran")

@pytest.mark.instance_type("m5.8xlarge")
def test_small(benchmark): raise SystemError("ran")

def test_unmarked(benchmark): raise SystemError("ran")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two marked tests and one without."""
    return make_project(tmp_path, {"test_it.py": TEST})


def test_a_dry_run_shows_types_prices_limits_and_the_most_it_costs(project: Path) -> None:
    """Each job with its figures, the total, and that nothing was launched; exit code 0."""
    done = pytest_aws(project, "--aws", "--aws-dry-run", "-k", "small", "--aws-time-limit=2h", "--aws-market=spot")
    assert done.code == 0, done.text
    assert "m5.8xlarge          1     32  128 GiB  spot        1    1.5360  2 h 00 min         3.33" in done.out
    assert "prices: snapshot of 2026-07-20" in done.out
    assert "at most 3.33 USD in all, --aws-max-cost is 10.00 USD" in done.out
    assert "nothing launched" in done.out
    assert "SystemError" not in done.out


def test_a_misfit_is_an_error_with_the_numbers_and_the_types_that_fit(project: Path) -> None:
    """Exit code 4, before anything is made."""
    done = pytest_aws(project, "--aws", "--aws-dry-run")
    assert done.code == 4
    assert "test_big[m5.large]: needs ≈ 100 GiB of memory, m5.large has 8 GiB; would fit: " in done.text
    assert "--aws-misfit=skip" in done.err
    assert done.text.count("test_big[m5.large]") == 1


def test_misfits_can_be_left_out(project: Path) -> None:
    """--aws-misfit=skip plans the rest."""
    done = pytest_aws(project, "--aws", "--aws-dry-run", "--aws-misfit=skip")
    assert done.code == 0, done.text
    assert "nothing launched" in done.out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--aws-max-cost=1"], "the plan could cost 1.79 USD, --aws-max-cost allows 1.00"),
        (["--aws-instance-type=m5.9xlarge"], "did you mean m5."),
        (["--aws-price=m5.9xlarge=1"], "--aws-price m5.9xlarge: no such instance type is known"),
        (
            ["--aws-price=polly.nueral=1"],
            "--aws-price polly.nueral: no such price of a service is known; did you mean polly.n",
        ),
        (["--aws-price=m5.large=0"], "give a price above 0"),
        (["--aws-instance-type=vcpus>=100000"], "none of the"),
        (["--aws-instance-type=vcpu>=4"], "'vcpu >= 4' is no comparison"),
        (["--aws-market=cheap"], "choose one of on-demand, spot"),
        (["--aws-time-limit=never"], "'never' is no duration"),
        (["--aws-launches=0"], "give a whole number from 1 to 1000"),
        (["--aws-price=m5.large"], "give an instance type and USD an hour"),
        (["--aws-region=mars-1"], "--aws-region=mars-1: there is no such region; did you mean "),
        (["--aws-region=us-west2"], "did you mean us-west-2"),
        (["--aws-target=moon"], "choose one of auto, cloud, embedded"),
        (["--aws-instance-type=ml.m5.8xlarge"], "ml.m6i.8xlarge"),
        (["-p", "no:benchmark"], "--aws needs pytest-benchmark"),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_to_do(project: Path, args: list[str], words: str) -> None:
    """One clear error, exit code 4, nothing launched, no traceback."""
    done = pytest_aws(project, "--aws", "-k", "small", *args)
    assert done.code == 4, done.text
    assert words in done.err, done.text
    assert "Traceback" not in done.text
    assert "pending" not in done.out


@pytest.mark.skipif(importlib.util.find_spec("xdist") is None, reason="pytest-xdist is not installed")
def test_xdist_is_refused(project: Path) -> None:
    """-n and --aws: a usage error that says why."""
    done = pytest_aws(project, "--aws", "-n", "2")
    assert done.code == 4
    assert "--aws cannot be used with pytest-xdist's -n" in done.err


def test_a_filter_chooses_instance_types(project: Path) -> None:
    """Every benchmark, marked or not, is for the types that the filter selects."""
    wanted = "--aws-instance-type=vcpus=32 and memory=128GiB and family=m5"
    done = pytest_aws(project, "--aws-dry-run", "-k", "unmarked", wanted)
    assert done.code == 0, done.text
    assert "m5.8xlarge          1     32  128 GiB" in done.out


def test_types_may_stand_in_one_option(project: Path) -> None:
    """With commas between them, as many another tool has it."""
    done = pytest_aws(project, "--aws-dry-run", "-k", "unmarked", "--aws-instance-type=m5.8xlarge,c5.large")
    assert done.code == 0, done.text
    assert "m5.8xlarge          1" in done.out
    assert "c5.large            1" in done.out


def test_a_misspelt_marker_is_refused(project: Path) -> None:
    """Only with --aws: else the benchmark would be measured here, in place of there."""
    (project / "test_it.py").write_text(TEST.replace("instance_type(", "instance_types(", 1))
    done = pytest_aws(project, "--aws", "-W", "ignore")
    assert done.code == 4, done.text
    assert "  instance_types: did you mean instance_type? test_it.py::test_big has it" in done.err
    assert "the plan" not in done.out


def test_an_unknown_price_needs_to_be_given(project: Path) -> None:
    """Outside us-east-1 the snapshot is silent: the price is asked for, and taken."""
    done = pytest_aws(project, "--aws-dry-run", "-k", "small", "--aws-region=eu-west-1")
    assert done.code == 4
    assert "no prices of eu-west-1 are known without credentials, the shipped ones are us-east-1's" in done.err
    assert "or give --aws-price m5.8xlarge=1.536\n" in done.err
    assert "would fit" not in done.text
    assert "USD in all" not in done.text
    given = pytest_aws(
        project, "--aws-dry-run", "-k", "small", "--aws-region=eu-west-1", "--aws-price=m5.8xlarge=1.712"
    )
    assert given.code == 0, given.text
    assert "prices: --aws-price" in given.out


def test_show_bundle_lists_files_and_leaves_secrets_out(project: Path) -> None:
    """What would be shipped, and what looks like a secret and is not."""
    (project / ".env").write_text("KEY=secret")
    (project / "deploy.pem").write_text("secret")
    make_project(project, {"data/table.csv": "1,2\n"})
    done = pytest_aws(project, "--aws-show-bundle", "-k", "small", "--aws-target=embedded")
    assert done.code == 0, done.text
    assert "  data/table.csv" in done.out
    assert "! left out, looks like a secret: .env" in done.out
    assert "! left out, looks like a secret: deploy.pem" in done.out
    assert "  pytest==" in done.out
    assert "boto3==" not in done.out


def test_collection_asks_no_aws(project: Path) -> None:
    """--collect-only with --aws lists a case for each type and needs neither network nor moto."""
    done = pytest_aws(
        project, "--aws", "--collect-only", "-q", "--aws-target=cloud", AWS_ENDPOINT_URL="http://127.0.0.1:1"
    )
    assert done.code == 0, done.text
    assert "test_it.py::test_big[m5.large]" in done.out
    assert "test_it.py::test_big[c5.24xlarge]" in done.out


def test_no_credentials_for_the_cloud_is_one_clear_error(project: Path) -> None:
    """--aws-target=cloud without credentials says how to log in, and the way without an account."""
    done = pytest_aws(
        project,
        "--aws",
        "--aws-target=cloud",
        "--aws-region=us-east-1",
        "-k",
        "small",
        AWS_EC2_METADATA_DISABLED="true",
    )
    assert done.code == 4, done.text
    assert "--aws-target=embedded" in done.err
    assert "Traceback" not in done.text


@pytest.mark.parametrize(
    ("region", "extra"),
    [("mars-east-7", {}), ("us-gov-west-1", {}), ("mars-1", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})],
)
def test_a_region_that_may_be_one_is_taken(project: Path, region: str, extra: dict[str, str]) -> None:
    """A name of a region's form is one that AWS may have opened; behind the user's own endpoint any name is."""
    wanted = ("--aws-dry-run", "-k", "small", f"--aws-region={region}", "--aws-price=m5.8xlarge=1")
    done = pytest_aws(project, *wanted, "--aws-target=embedded", **extra)
    assert done.code == 0, done.text


def test_a_region_is_checked_for_aws_alone(project: Path) -> None:
    """Without --aws, nobody asks what AWS_REGION names."""
    done = pytest_aws(project, "--collect-only", "-q", AWS_REGION="mars-1")
    assert done.code == 0, done.text


def test_k15_a_cache_that_cannot_be_made_is_refused_in_one_sentence(project: Path) -> None:
    """As below a home that is read-only; exit code 4, before embedded AWS is started."""
    done = pytest_aws(project, "--aws", "-k", "small", PYTEST_BENCHMARK_AWS_CACHE="/proc/none")
    assert done.code == 4
    assert "/proc/none/runs cannot be made or written" in done.err
    assert "set PYTEST_BENCHMARK_AWS_CACHE to a folder of your own" in done.err
    assert "Traceback" not in done.text
    assert "INTERNALERROR" not in done.text


def test_a_detached_run_on_the_embedded_aws_of_the_session_is_refused_with_the_command_to_start_another(
    project: Path,
) -> None:
    """It would end with the session; exit code 4, before it is started."""
    done = pytest_aws(project, "--aws", "--aws-detach", "-k", "small")
    assert done.code == pytest.ExitCode.USAGE_ERROR, done.text
    words = "start one that stays alive with python -m pytest_benchmark_aws.embedded, and export what it prints"
    assert words in done.err


def test_k6_what_is_left_out_as_a_secret_is_said_by_a_plain_dry_run(project: Path) -> None:
    """With why, and how it can be shipped; what is allowed is not named."""
    (project / "prod.env").write_text("A=1")
    (project / "server.key").write_text("x")
    subprocess.run(["git", "-C", str(project), "add", "-A"], check=True)
    done = pytest_aws(project, "--aws", "--aws-dry-run", "-k", "small", "--aws-ship-secret=server.key")
    assert done.code == 0, done.text
    said = "not shipped, as they look like secrets: prod.env (its name); --aws-ship-secret=FILE ships one"
    assert said in done.out


def test_a_resume_of_nothing_that_is_selected_measures_nothing(tmp_path: Path) -> None:
    """A run that was started with --aws-instance-type: without it no test here is a case of that run."""
    root = make_project(tmp_path / "project", {"test_it.py": "def test_it(benchmark):\n    benchmark(int)\n"})
    done = pytest_aws(root, "--aws-resume", "20260101-000000-abcdef")
    assert done.code == pytest.ExitCode.USAGE_ERROR, done.text
    assert "--aws-instance-type among them; nothing was measured" in done.err
    assert not list((root / ".benchmarks").glob("*"))


def test_a_selection_of_nothing_says_so(tmp_path: Path) -> None:
    """As with a -k of an id without its instance type."""
    root = make_project(tmp_path / "project", {"test_it.py": "def test_it(benchmark):\n    benchmark(int)\n"})
    done = pytest_aws(root, "--aws", "--aws-instance-type=m5.large", "-k", "nothing")
    assert done.code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "no test is selected (with --aws an id ends with its instance type, as in test_it[m5.large])" in done.out


@pytest.mark.parametrize(
    ("args", "extra", "words"),
    [
        (["--aws-scheduler-role=x", "--aws-dry-run"], {}, "give the role's ARN"),
        (
            ["--aws-target=cloud"],
            {"AWS_ENDPOINT_URL": "nonsense", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
            "give AWS_ENDPOINT_URL as in http://",
        ),
    ],
)
def test_what_would_crash_a_launch_is_refused_in_one_line(
    project: Path, args: list[str], extra: dict[str, str], words: str
) -> None:
    """Before anything is made, exit code 4, with what to give."""
    done = pytest_aws(project, "--aws", "-k", "small", "--aws-region=us-east-1", *args, **extra)
    assert (done.code, words in done.text) == (4, True), done.text
    assert "INTERNALERROR" not in done.text

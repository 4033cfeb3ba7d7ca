"""``--aws`` with an ``ml.`` type beside an EC2 one, on embedded AWS, by the real command line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.awsproject import Done, make_project, pytest_aws

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

PROJECT = {
    "test_it.py": """\
import pytest

@pytest.mark.instance_type("m5.xlarge", "ml.m5.xlarge")
def test_it(benchmark):
    benchmark.pedantic(sum, args=(range(1000),), rounds=3)
""",
    "pytest.ini": "[pytest]\n",
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One session: an instance and a training job."""
    root = make_project(tmp_path_factory.mktemp("outside") / "project", PROJECT)
    cache = {"PYTEST_BENCHMARK_AWS_CACHE": str(root.parent / "cache")}
    return pytest_aws(root, "--aws", "--aws-target=embedded", "--benchmark-json=out.json", **cache)


def test_one_plan_and_one_table_with_usd(both: Done) -> None:
    """Each at its own price: SageMaker's is the Pricing API's of component Training."""
    assert both.code == 0, both.text
    assert "2 passed" in both.out
    plan = re.findall(r"^  ((?:ml\.)?m5\.xlarge) .* ([0-9.]+) +1 h 00 min +([0-9.]+)$", both.out, re.MULTILINE)
    assert [name for name, *_ in plan] == ["m5.xlarge", "ml.m5.xlarge"]
    assert float(plan[1][1]) > float(plan[0][1]) > 0
    (table,) = re.findall(r"by instance type.*?In every row", both.out, re.DOTALL)
    assert {"m5.xlarge", "ml.m5.xlarge"} <= set(re.findall(r"(\S+) \(embedded\)", table))


def test_the_last_line_counts_both_kinds_of_launches(both: Done) -> None:
    """Instances and training jobs, each by what it is called."""
    assert "\n0 instances, 0 training jobs of this run are alive on embedded AWS\n" in both.out


def test_a_made_up_role_is_told(both: Done) -> None:
    """AWS needs one; embedded AWS has one made."""
    assert re.search(r"training jobs get the role arn:aws:iam::\d{12}:role/\S+, which is made up", both.out), both.out


def test_the_stored_result_is_the_training_jobs(both: Done) -> None:
    """Under its own name, with what SageMaker billed for it, and what its container says of itself."""
    (data,) = both.saved("embedded-ml.m5.xlarge")
    (bench,) = data["benchmarks"]
    facts, ec2 = bench["extra_info"], data["machine_info"]["ec2"]
    assert bench["fullname"] == "test_it.py::test_it"
    assert facts["instance_type"] == ec2["instance_type"] == "ml.m5.xlarge"
    assert facts["instance_id"] == ec2["instance_id"]
    assert facts["instance_id"].startswith("pba-")
    assert facts["launch_seconds"] == int(facts["launch_seconds"]) > 0
    assert facts["launch_usd"] == pytest.approx(facts["usd_per_hour"] * facts["launch_seconds"] / 3600)


def test_the_journal_has_what_was_billed(both: Done) -> None:
    """The run's money is that of the instance and of BillableTimeInSeconds."""
    (path,) = (both.root.parent / "cache" / "runs").glob("*/journal.jsonl")
    lines = [json.loads(line.partition(" ")[2]) for line in path.read_text().splitlines()]
    billed = {line["job"]: float(line["usd"]) for line in lines if line["kind"] == "billed"}  # the last of each
    (gone,) = (line for line in lines if line["kind"] == "gone")
    assert billed.keys() == {"m5.xlarge", "ml.m5.xlarge"}
    assert float(gone["usd"]) == pytest.approx(sum(billed.values()))


def test_an_account_needs_a_role(tmp_path: Path) -> None:
    """Nothing is launched, and the error says where to get what it must allow; it is named by its ARN."""
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from tests.faults.proxy import Proxy

    root = make_project(tmp_path / "project", PROJECT)
    words = ("--aws", "--aws-target=cloud", "--aws-dry-run")
    with EmbeddedAWS(tmp_path / "aws") as aws, Proxy(aws.endpoint, disguised=True) as proxy:
        there = {**aws.environment(), "AWS_ENDPOINT_URL": proxy.url}
        done = pytest_aws(root, *words[:2], "--aws-instance-type=ml.m5.xlarge", **there)
        named = pytest_aws(root, *words, "--aws-sagemaker-role=somebody", **there)
        assert aws.control("training-jobs") == []
    assert (done.code, named.code) == (4, 4), done.text
    assert "training jobs need an execution role: give its ARN with --aws-sagemaker-role=ARN" in done.err
    assert "pytest-benchmark-aws policy sagemaker-role prints what it must allow" in done.err
    assert "--aws-sagemaker-role=somebody: give the role's ARN" in named.err


def planned(tmp_path: Path, types: str, *words: str) -> Done:
    """A dry run without credentials."""
    root = make_project(tmp_path / "project", PROJECT)
    return pytest_aws(root, "--aws", "--aws-dry-run", f"--aws-instance-type={types}", *words)


def test_a_training_job_without_a_known_price_is_not_planned(tmp_path: Path) -> None:
    """Without credentials none is: the shipped prices are EC2's. With --aws-price it is, and its grace counts."""
    done = planned(tmp_path, "ml.m5.xlarge")
    assert done.code == 4
    assert "the price of ml.m5.xlarge is not known, so its cost cannot be bounded: give --aws-price ml.m5.xlarge=" in (
        done.err
    )
    priced = planned(tmp_path, "ml.m5.xlarge", "--aws-price=ml.m5.xlarge=0.2")
    assert priced.code == 0, priced.text
    assert "at most 0.30 USD in all" in priced.out  # an hour and half of one


def test_a_type_that_sagemaker_has_not_is_refused_with_the_nearest(tmp_path: Path) -> None:
    """Before anything is made."""
    done = planned(tmp_path, "ml.m5.8xlarge", "--aws-price=ml.m5.8xlarge=1")
    assert done.code == 4
    assert "SageMaker's training jobs have no such type" in done.err
    assert "nearest are ml.m6i.8xlarge" in done.err


def test_a_search_leaves_training_jobs_out_and_says_so(tmp_path: Path) -> None:
    """Alone they are refused with EC2's name for the machine."""
    both = planned(tmp_path, "ml.m5.xlarge,m5.xlarge", "--aws-search=cheapest")
    assert both.code == 0, both.text
    assert "not searched: ml.m5.xlarge, which SageMaker runs on EC2's machines" in both.out
    alone = planned(tmp_path, "ml.m5.xlarge", "--aws-search=cheapest")
    assert alone.code == 4
    assert "name EC2's types, as in m5.xlarge" in alone.err


def test_another_python_of_the_container_is_said_in_the_plan(tmp_path: Path) -> None:
    """By the image's tag, where that is not this session's; one that is too old is refused later, by the check."""
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from tests.faults.proxy import Proxy

    root = make_project(tmp_path / "project", PROJECT)
    role = "--aws-sagemaker-role=arn:aws:iam::123456789012:role/trains"
    words = ("--aws", "--aws-target=cloud", "--aws-instance-type=ml.m5.xlarge", "--aws-price=ml.m5.xlarge=0.2", role)
    with EmbeddedAWS(tmp_path / "aws") as aws, Proxy(aws.endpoint, disguised=True) as proxy:
        there = {**aws.environment(), "AWS_ENDPOINT_URL": proxy.url}
        done = pytest_aws(root, *words, "--aws-sagemaker-image=mine:1-py38-x", **there)
        assert aws.control("training-jobs") == []
    assert done.code == 4, done.text
    assert "the image of --aws-sagemaker-image has Python 3.8, this session 3." in done.out
    assert "has Python 3.8: name one with 3.10 at least" in done.err

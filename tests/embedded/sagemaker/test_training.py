"""What a training job does with its entrypoint, its data and its artifacts."""

from __future__ import annotations

import io
import json
import re
import tarfile
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.embedded.sagemaker.conftest import BUCKET, RANK, channel
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.embedded.sagemaker.conftest import TrainingWorld


def test_entrypoint_runs_and_the_job_completes(world: TrainingWorld) -> None:
    """The program comes by its channel and runs; the statuses, their times and what is billed are as AWS's."""
    name = world.train("print('trained')")
    job = world.ended(name)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    assert world.statuses(name) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1
    assert job["TrainingJobArn"] == f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}"
    for earlier, later in zip(job["SecondaryStatusTransitions"], job["SecondaryStatusTransitions"][1:], strict=False):
        assert earlier["StartTime"] <= earlier["EndTime"] <= later["StartTime"]
    assert world.printed(name) == ["trained"]


def test_opt_ml_is_laid_out(world: TrainingWorld) -> None:
    """Configuration, channels and empty folders are where SageMaker has them; the entrypoint gets its arguments."""
    program = """
import json, os, sys
root = os.environ["PYTEST_BENCHMARK_AWS_OPT_ML"]
read = lambda name: json.load(open(f"{root}/input/config/{name}.json"))
print(json.dumps({name: read(name) for name in ("hyperparameters", "inputdataconfig", "resourceconfig")}))
print(sorted(os.listdir(root)), sorted(os.listdir(f"{root}/output")), sys.argv[1:])
"""
    changes = {"ContainerArguments": ["--model", "/opt/ml/model", "not/opt/ml"]}
    name = world.train(program, AlgorithmSpecification=changes, HyperParameters={"rounds": "4"})
    assert world.ended(name)["TrainingJobStatus"] == "Completed"
    [container] = world.record(name)["containers"]
    root = f"{container['directory']}/opt-ml"
    configuration, folders = world.printed(name)
    assert folders == f"['checkpoints', 'input', 'model', 'output'] ['data'] ['--model', '{root}/model', 'not/opt/ml']"
    read = json.loads(configuration)
    assert read["hyperparameters"] == {"rounds": "4"}
    assert read["inputdataconfig"]["code"]["S3DistributionType"] == "FullyReplicated"
    assert read["resourceconfig"]["hosts"] == [read["resourceconfig"]["current_host"]] == ["algo-1"]
    assert read["resourceconfig"]["current_instance_type"] == "ml.m5.xlarge"


def test_environment_is_the_jobs_own(world: TrainingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job's variables and those of the request are there, and none of this process."""
    monkeypatch.setenv("OF_THE_HOST", "1")
    name = world.train("import json, os; print(json.dumps(dict(os.environ)))", Environment={"MINE": "in /opt/ml/model"})
    world.ended(name)
    [container] = world.record(name)["containers"]
    environment = json.loads(world.printed(name)[0])
    assert environment["MINE"] == f"in {container['directory']}/opt-ml/model"
    assert environment["TRAINING_JOB_NAME"] == name
    assert environment["TRAINING_JOB_ARN"].endswith(f":training-job/{name}")
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["PYTEST_BENCHMARK_AWS_TURN"] == str(world.aws.root / "turn.lock")  # as that of instances
    assert not {"OF_THE_HOST", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"} & set(environment)


def test_model_and_output_are_uploaded(world: TrainingWorld) -> None:
    """What lies in model and output/data goes into an archive each, below the job's name."""
    program = """
import os
root = os.environ["PYTEST_BENCHMARK_AWS_OPT_ML"]
os.mkdir(f"{root}/model/trees")
open(f"{root}/model/trees/one.txt", "w").write("a tree")
open(f"{root}/output/data/table.csv", "w").write("a,b")
"""
    name = world.train(program)
    job = world.ended(name)
    key = f"{name}/output/{name}/output"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/{key}/model.tar.gz"
    assert world.keys(f"{name}/output/") == [f"{key}/model.tar.gz", f"{key}/output.tar.gz"]
    archive = world.s3.get_object(Bucket=BUCKET, Key=f"{key}/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as content:
        assert content.extractfile("trees/one.txt").read() == b"a tree"


def test_nothing_is_uploaded_where_there_is_nothing(world: TrainingWorld) -> None:
    """A job that leaves no file has no artifacts."""
    name = world.train("")
    assert world.ended(name)["TrainingJobStatus"] == "Completed"
    assert world.keys(f"{name}/output/") == []


def test_failure_is_told_with_its_file_and_status(world: TrainingWorld) -> None:
    """FailureReason has what output/failure says, to 1024 characters; what was made before is uploaded all the same."""
    program = """
import os, sys
root = os.environ["PYTEST_BENCHMARK_AWS_OPT_ML"]
open(f"{root}/output/failure", "w").write("no rows in train.csv")
open(f"{root}/output/data/log.txt", "w").write("far")
print("it fails", end="")
sys.exit(3)
"""
    name = world.train(program)
    job = world.ended(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == "AlgorithmError: no rows in train.csv, exit code: 3"
    assert job["BillableTimeInSeconds"] >= 1
    assert world.statuses(name)[-2:] == ["Uploading", "Failed"]
    assert world.keys(f"{name}/output/") == [f"{name}/output/{name}/output/output.tar.gz"]
    assert world.printed(name) == ["it fails"]


def test_long_failure_is_cut(world: TrainingWorld) -> None:
    """FailureReason has 1024 characters at most."""
    program = """
import os, sys
open(os.environ["PYTEST_BENCHMARK_AWS_OPT_ML"] + "/output/failure", "w").write("x" * 5000)
sys.exit(1)
"""
    assert len(world.ended(world.train(program))["FailureReason"]) == 1024


def test_entrypoint_that_is_not_there(world: TrainingWorld) -> None:
    """The job fails as a container does whose program cannot be run."""
    job = world.ended(world.train("", AlgorithmSpecification={"ContainerEntrypoint": ["/no/such/program"]}))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].endswith("exit code: 127")


def test_command_of_the_host_is_not_reached(world: TrainingWorld) -> None:
    """A container has no poweroff, whoever runs embedded AWS."""
    job = world.ended(world.train("", AlgorithmSpecification={"ContainerEntrypoint": ["poweroff"]}))
    assert job["FailureReason"] == "AlgorithmError: , exit code: 127"


def test_objects_keep_their_folders(world: TrainingWorld) -> None:
    """A prefix without a slash takes what it begins; keys below a folder keep the path after it."""
    for key in ("rows/a.csv", "rows/more/b.csv", "rows-2.csv", "rows/empty/"):
        world.s3.put_object(Bucket=BUCKET, Key=f"data/{key}", Body=key.encode())
    program = """
import os, pathlib
root = pathlib.Path(os.environ["PYTEST_BENCHMARK_AWS_OPT_ML"], "input/data/rows")
print(sorted((str(path.relative_to(root)), path.read_text()) for path in root.rglob("*") if path.is_file()))
"""
    request = world.request(program)
    request["InputDataConfig"].append(channel("rows", f"s3://{BUCKET}/data/rows"))
    world.sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    world.ended(name)
    expected = [("a.csv", "rows/a.csv"), ("more/b.csv", "rows/more/b.csv"), ("rows-2.csv", "rows-2.csv")]
    assert world.printed(name) == [str(expected)]


@pytest.mark.parametrize("key", ["a//b.csv", "a/../../b.csv"])
def test_key_that_is_no_path_fails_the_download(world: TrainingWorld, key: str) -> None:
    """Nothing is written outside the channel's folder."""
    request = world.request()
    world.s3.put_object(Bucket=BUCKET, Key=f"odd/{key}", Body=b"x")
    request["InputDataConfig"].append(channel("odd", f"s3://{BUCKET}/odd/"))
    world.sagemaker.create_training_job(**request)
    job = world.ended(request["TrainingJobName"])
    assert job["FailureReason"].startswith("ClientError: Data download failed:Failed to download data. S3 key: s3://")
    assert "Training" not in [entry["Status"] for entry in job["SecondaryStatusTransitions"]]


def test_more_objects_than_a_page(world: TrainingWorld) -> None:
    """All objects of a prefix are seen, though a listing has 1000 at most."""
    from pytest_benchmark_aws.embedded.moto_models import open_session, s3_backends
    from pytest_benchmark_aws.embedded.sagemaker.containers.role_client import RoleClient

    for number in range(1003):  # not by HTTP, which would take a while
        s3_backends["123456789012"]["aws"].put_object(BUCKET, f"many/{number}", b"x")
    client = RoleClient(world.aws.endpoint, "us-east-1", open_session(world.role, "SageMaker", "us-east-1"))
    assert len(client.keys(BUCKET, "many/")) == 1003
    assert client.keys(BUCKET, "many/", most=1) == ["many/0"]


def test_what_is_printed_is_in_the_logs_while_it_trains(world: TrainingWorld) -> None:
    """CloudWatch Logs shows lines of a job that goes on, in a stream named after the job and its host."""
    name = world.train("import time; print('begun', flush=True); time.sleep(600)")
    world.wait_for_print(name, "begun")
    assert world.job(name)["SecondaryStatus"] == "Training"
    [stream] = world.logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs")["logStreams"]
    assert re.fullmatch(rf"{name}/algo-1-\d+", stream["logStreamName"])


def test_each_instance_is_a_process_with_a_folder(world: TrainingWorld) -> None:
    """Of InstanceCount 3 each host knows all, prints into a stream of its own, and the models come together."""
    program = RANK + "(root / f'model/part-{rank}').write_text('x'); print(hosts['current_host'], hosts['hosts'])"
    name = world.train(program, ResourceConfig={"InstanceCount": 3})
    job = world.ended(name)
    assert job["TrainingJobStatus"] == "Completed"
    for host in ("algo-1", "algo-2", "algo-3"):
        assert world.printed(name, host) == [f"{host} ['algo-1', 'algo-2', 'algo-3']"]
    archive = world.s3.get_object(Bucket=BUCKET, Key=f"{name}/output/{name}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as content:
        assert content.getnames() == ["part-0", "part-1", "part-2"]


def test_job_fails_with_one_of_its_instances(world: TrainingWorld) -> None:
    """The others get SIGTERM, and their last words are in the logs."""
    program = (
        RANK
        + """
if rank == 1:
    (root / "output/failure").write_text("rank 1 broke")
    sys.exit(5)
signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
time.sleep(600)
"""
    )
    name = world.train(program, ResourceConfig={"InstanceCount": 2})
    job = world.ended(name)
    assert job["FailureReason"] == "AlgorithmError: rank 1 broke, exit code: 5"
    assert [container["exit_status"] is None for container in world.record(name)["containers"]] == [False, False]


def test_objects_are_shared_out(world: TrainingWorld) -> None:
    """ShardedByS3Key gives each host a part of the objects, FullyReplicated all."""
    for number in range(5):
        world.s3.put_object(Bucket=BUCKET, Key=f"shards/{number}", Body=b"x")
    request = world.request(
        RANK + "print(sorted(os.listdir(root / 'input/data/part')))", ResourceConfig={"InstanceCount": 2}
    )
    request["InputDataConfig"].append(
        channel("part", f"s3://{BUCKET}/shards/", S3DataDistributionType="ShardedByS3Key")
    )
    world.sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    world.ended(name)
    assert [world.printed(name, host) for host in ("algo-1", "algo-2")] == [["['0', '2', '4']"], ["['1', '3']"]]


def test_credentials_of_the_role_are_for_the_container_alone(world: TrainingWorld) -> None:
    """The URL in its environment answers a session of the role while the job lives; another token answers nothing."""
    program = """
import json, os, time, urllib.request
with urllib.request.urlopen(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]) as answer:
    print(json.dumps(json.load(answer)), flush=True)
time.sleep(600)
"""
    import boto3

    name = world.train(program)
    printed = wait_until(lambda: world.printed(name))
    found = json.loads(printed[0])
    assert found["RoleArn"] == world.role
    key = {"aws_access_key_id": found["AccessKeyId"], "aws_secret_access_key": found["SecretAccessKey"]}
    sts = boto3.client(
        "sts", endpoint_url=world.aws.endpoint, region_name="us-east-1", aws_session_token=found["Token"], **key
    )
    assert sts.get_caller_identity()["Arn"] == "arn:aws:sts::123456789012:assumed-role/training/SageMaker"
    [container] = world.record(name)["containers"]
    assert http_status(container["credentials_url"]) == 200
    assert http_status(container["credentials_url"][:-1]) == 404
    world.sagemaker.stop_training_job(TrainingJobName=name)
    world.ended(name)
    assert http_status(container["credentials_url"]) == 404


def http_status(url: str) -> int:
    """The status of a GET."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code

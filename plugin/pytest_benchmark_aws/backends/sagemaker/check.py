"""What SageMaker must have and allow for a plan, asked read-only, so that everything that is wrong is said at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import quotas, sagemaker
from pytest_benchmark_aws.aws.errors import refusal
from pytest_benchmark_aws.aws.iam.policies import partition_of
from pytest_benchmark_aws.backends.sagemaker import images
from pytest_benchmark_aws.backends.sagemaker.request import most_runtime_s
from pytest_benchmark_aws.core.values.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.core.model import Job

_OLDEST_MINOR = 10
"""Of Python 3: what this plugin's own metadata requires."""
EMBEDDED_ROLE = "pytest-benchmark-aws-training-job"
"""The execution role that is made on embedded AWS where none is named."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked of SageMaker; ``None``: what is there by default."""

    role: str | None = None
    """ARN of the execution role."""
    image: str | None = None
    """URI of the container, in place of AWS's own."""
    tags: tuple[tuple[str, str], ...] = ()
    disk_gib: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of SageMaker in this account and region."""

    role: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    """Instance type -> container."""
    quotas: Mapping[str, int] = field(default_factory=dict)
    """Name -> value; none where they may not be asked."""
    notes: tuple[str, ...] = ()
    """Sentences on what is no reason to refuse."""
    embedded: bool = False

    def beside(self, later: Place) -> Place:
        """What a later look found, and what was known of other jobs."""
        notes = tuple(dict.fromkeys((*self.notes, *later.notes)))
        return replace(later, images={**self.images, **later.images}, notes=notes)


def look(clients: Clients, options: Options, jobs: Sequence[Job], known: Mapping[str, int]) -> tuple[Place, list[str]]:
    """What the jobs' launches need; and each reason why they cannot be launched, with the next step.

    ``known`` are the quotas by name where they were asked before.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    account, problems, notes = clients.account(), list[str](), list[str]()
    role = options.role or ""
    if not role and account.embedded:
        role = f"arn:{partition_of(clients.region)}:iam::{account.account_id}:role/{EMBEDDED_ROLE}"
        notes.append(
            f"embedded AWS: training jobs get the role {role}, which is made up; AWS needs --aws-sagemaker-role"
        )
    elif account.embedded:
        notes.append(
            f"embedded AWS: knows the role {role} only where it was made there (aws iam create-role); without "
            "--aws-sagemaker-role one is made up"
        )
    elif not role:
        problems.append(
            "training jobs need an execution role: give its ARN with --aws-sagemaker-role=ARN; pytest-benchmark-aws "
            "policy sagemaker-role prints what it must allow, and sagemaker.amazonaws.com must be allowed to assume it"
        )
    try:
        next(sagemaker.jobs(clients, sagemaker.PREFIX, living=True), None)
    except (BotoCoreError, ClientError) as error:
        problems.append(f"SageMaker refused to answer: {refusal(error)}")
    if options.image and account.embedded:
        notes.append(f"embedded AWS: {options.image} is not run, training jobs have this machine's Python")
    python = images.guest_python(options.image, local=account.embedded)[0]
    containers = {job.instance_type.name: _image(clients.region, options, python, job) for job in jobs}
    problems += [
        f"{name}: no container of AWS's is known for Python {python} in {clients.region}: name one with "
        "--aws-sagemaker-image=URI"
        for name, container in containers.items()
        if container is None and not account.embedded
    ]
    if int(python.partition(".")[2]) < _OLDEST_MINOR:
        problems.append(
            f"the image of --aws-sagemaker-image has Python {python}: name one with 3.{_OLDEST_MINOR} at least, which "
            "pytest-benchmark-aws needs"
        )
    values = known or quotas.training_quotas(clients)
    problems += dict.fromkeys(problem for job in jobs if (problem := _beyond_quota(job, values)))
    found = {name: container or "embedded:latest" for name, container in containers.items()}
    return Place(role, found, values, tuple(notes), account.embedded), problems


def _image(region: str, options: Options, python: str, job: Job) -> str | None:
    return options.image or images.image(region, python, gpu=bool(job.instance_type.gpus))


def _beyond_quota(job: Job, values: Mapping[str, int]) -> str | None:
    """Why the account's quotas allow no such job; None where they do, or are not known."""
    name = quotas.training_quota_name(job.instance_type.name, job.market)
    limit = values.get(name, job.count)
    if limit < job.count:
        more = "one" if job.count == 1 else str(job.count)
        return (
            f"{job.instance_type.name}: the account's quota {name!r} is {limit} instances, a launch takes {more}: ask "
            "for more in Service Quotas, Amazon SageMaker, by that name; of new accounts it often is 0"
        )
    most = values.get(quotas.MOST_INSTANCES, job.count)
    if most < job.count:
        return (
            f"{job.instance_type.name}: the account's quota {quotas.MOST_INSTANCES!r} is {most}, count={job.count} is "
            "more: name fewer, or ask for more in Service Quotas, Amazon SageMaker"
        )
    longest = values.get(quotas.LONGEST_TRAINING)
    if longest is not None and most_runtime_s(job) > longest:
        return (
            f"{job.instance_type.name}: the account's quota {quotas.LONGEST_TRAINING!r} is {format_duration(longest)}, "
            f"a launch may take {format_duration(most_runtime_s(job))}: lower --aws-time-limit, or ask for more"
        )
    return None

"""The image of a training job, which embedded AWS does not pull: whether the execution role may."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.iam.policy_evaluation import Question

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.iam.authorization import Authorization
    from pytest_benchmark_aws.embedded.sagemaker.job import TrainingJob

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
    r"/(?P<repository>[^:@]+)(?:[:@].+)?"
)
_ACTIONS = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
"""With GetAuthorizationToken, what the role needs (SageMaker guide, "How to use SageMaker AI execution roles",
CreateTrainingJob API: Execution Role Permissions)."""


def problem(authorization: Authorization, job: TrainingJob) -> str:
    """Why the image cannot be pulled, as FailureReason says it; empty where it can, or IAM is not enforced."""
    name = str(job.request["AlgorithmSpecification"].get("TrainingImage", ""))
    image = _ECR.fullmatch(name)
    if image is None or not authorization.enforced:
        return ""
    partition = moto_models.partition(job.region)
    repository = f"arn:{partition}:ecr:{image['region']}:{image['account']}:repository/{image['repository']}"
    context = {"aws:RequestedRegion": [image["region"]]}
    questions = [Question("ecr:GetAuthorizationToken", context=context)]
    questions += [Question(f"ecr:{action}", repository, context) for action in _ACTIONS]
    for question in questions:
        if not authorization.allows(job.session, question, job.region):
            return (
                f"ClientError: Cannot pull the image {name}. Please ensure that the role {job.request['RoleArn']} "
                f"allows {question.action} on {question.resource}."
            )
    return ""

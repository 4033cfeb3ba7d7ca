"""The execution role of training jobs, made where an account is embedded AWS's and none was named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws.errors import unless
from pytest_benchmark_aws.aws.iam.policies import TRUST_OF_TRAINING, sagemaker_role_policy

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients


def make_role(clients: Clients, name: str, bucket: str) -> None:
    """Makes the role with the policy that is printed for it; one that is there already is as it is."""
    iam, account = clients("iam"), clients.account()
    with unless("EntityAlreadyExists"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST_OF_TRAINING))
        policy = sagemaker_role_policy(account.account_id, clients.region, bucket)
        iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=json.dumps(policy))

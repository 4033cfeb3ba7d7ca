"""moto's users, roles and sessions: with ``moto_backend`` the only place that touches moto's models.

Who has which key and which policies is moto's, by its ``access_control``; what they allow is ``iam_policy``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.iam.access_control import CreateAccessKeyFailure, IAMPolicy, create_access_key
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.moto_models import ACCOUNT

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.iam.policy_evaluation import Policy


@dataclass(frozen=True, slots=True)
class Caller:
    """A user, or a session of a role."""

    arn: str
    secret: str
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials of a role."""

    key_id: str
    secret: str
    token: str
    role: str


def caller(key_id: str, token: str, region: str) -> Caller | None:
    """Who has a key; None where nobody does, or the token is not of the key."""
    headers = {"X-Amz-Security-Token": token} if token else {}
    try:
        found: Any = create_access_key(ACCOUNT, get_partition(region), key_id, headers)
    except CreateAccessKeyFailure:
        return None
    # The document of an inline policy and that of a managed one's default version.
    policies = tuple(IAMPolicy(policy)._policy_json for policy in found.collect_policies())
    return Caller(found.arn, found.create_credentials().secret_key, policies)


def role_of_profile(profile: str, region: str) -> str:
    """The ARN of the role in an instance profile, given by name or by ARN.

    Raises:
        AwsError: there is no such profile, or no role in it.
    """
    backend = iam_backends[ACCOUNT][get_partition(region)]
    try:
        is_arn = profile.startswith("arn:")
        found = backend.get_instance_profile_by_arn(profile) if is_arn else backend.get_instance_profile(profile)
        return str(found.roles[0].arn)
    except (NotFoundException, IndexError):
        kind = "arn" if profile.startswith("arn:") else "name"
        message = f"Value ({profile}) for parameter iamInstanceProfile.{kind} is invalid."
        raise AwsError("InvalidParameterValue", message) from None


def open_session(role: str, name: str, region: str) -> Session:
    """New temporary credentials of a role."""
    made = sts_backends[ACCOUNT][get_partition(region)].assume_role(
        region_name=region,
        role_session_name=name,
        role_arn=role,
        policy="",
        duration=6 * 3600,
        external_id="",
    )
    return Session(made.access_key_id, made.secret_access_key, made.session_token, role.rpartition("/")[2])


def bucket_is_there(name: str, region: str) -> bool:
    """Whether the account has a bucket of that name."""
    return name in s3_backends[ACCOUNT][get_partition(region)].buckets

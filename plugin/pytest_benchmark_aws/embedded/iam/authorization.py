"""The gate that each AWS call passes where IAM is enforced: who signed it, and whether their policies allow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.aws_request import read_body
from pytest_benchmark_aws.embedded.iam import moto_users, sigv4
from pytest_benchmark_aws.embedded.iam.actions_and_condition_keys import questions
from pytest_benchmark_aws.embedded.iam.policy_evaluation import Question, verdict

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.state import State

_UNKNOWN_KEY = {"ec2": ("AuthFailure", 401), "s3": ("InvalidAccessKeyId", 403)}
_BAD_SIGNATURE = {"ec2": ("AuthFailure", 401), "s3": ("SignatureDoesNotMatch", 403)}
_DENIED = {
    "ec2": ("UnauthorizedOperation", 403),
    "s3": ("AccessDenied", 403),
    "sts": ("AccessDenied", 403),
    "iam": ("AccessDenied", 403),
}
"""How each service says it; all others, which speak JSON, say AccessDeniedException (400)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One question of one caller, as it was answered."""

    caller: str
    question: Question
    allowed: bool


def check(request: AwsRequest, environ: dict[str, Any], state: State) -> None:
    """Refuses a call whose signer is unknown or whose policies do not allow it; every decision is recorded.

    Raises:
        AwsError: in the words of the service, with the action that is not allowed.
    """
    signature = sigv4.read(environ)
    body = b"" if request.service == "s3" else read_body(environ)
    with state.lock:  # moto's models are not made for threads
        if signature is None:
            raise AwsError("AccessDenied", "Access Denied: the request is not signed.", 403)
        caller = moto_users.caller(signature.key_id, signature.token, request.region)
        if caller is None:
            code, status = _UNKNOWN_KEY.get(request.service, ("InvalidClientTokenId", 403))
            raise AwsError(code, "The security token included in the request is invalid.", status)
        if not sigv4.is_by(caller.secret, signature, environ, body):
            code, status = _BAD_SIGNATURE.get(request.service, ("SignatureDoesNotMatch", 403))
            raise AwsError(
                code, "The request signature we calculated does not match the signature you provided.", status
            )
        for question in questions(request, environ):
            answer = verdict(caller.policies, question)
            state.decisions.append(Decision(caller.arn, question, answer == "allowed"))
            if answer != "allowed":
                raise _refusal(request.service, caller.arn, question, explicit=answer == "explicitly denied")


def _refusal(service: str, caller: str, question: Question, *, explicit: bool) -> AwsError:
    """IAM User Guide, "Troubleshoot access denied error messages"."""
    code, status = _DENIED.get(service, ("AccessDeniedException", 400))
    because = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else f"because no identity-based policy allows the {question.action} action"
    )
    head = "You are not authorized to perform this operation. " if service == "ec2" else ""
    told = f"User: {caller} is not authorized to perform: {question.action} on resource: {question.resource} {because}"
    return AwsError(code, head + told, status)

"""Whether an AWS call is authorized where IAM is enforced: who signed it, and whether their policies allow it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.aws_request import read_body
from pytest_benchmark_aws.embedded.iam import sigv4
from pytest_benchmark_aws.embedded.iam.actions_and_condition_keys import list_question, questions
from pytest_benchmark_aws.embedded.iam.policy_evaluation import Question, verdict

if TYPE_CHECKING:
    import threading

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

_UNKNOWN_KEY = {"ec2": ("AuthFailure", 401), "s3": ("InvalidAccessKeyId", 403)}
_BAD_SIGNATURE = {"ec2": ("AuthFailure", 401), "s3": ("SignatureDoesNotMatch", 403)}
_DENIED = {
    "ec2": ("UnauthorizedOperation", 403),
    "s3": ("AccessDenied", 403),
    "sts": ("AccessDenied", 403),
    "iam": ("AccessDenied", 403),
}
"""Service -> error code and HTTP status of a denial; all other services, which speak JSON, answer
AccessDeniedException (400)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer that a caller got to one question."""

    caller: str
    """The caller's ARN."""
    question: Question
    allowed: bool


@dataclass(slots=True)
class Authorization:
    """The check that each AWS call passes, and a record of its decisions; the lock guards moto's models."""

    lock: threading.RLock
    enforced: bool = False
    """Whether calls need a known signer and a policy that allows them; where not, ``check`` is not called."""
    decisions: list[Decision] = field(default_factory=list)

    def check(self, request: AwsRequest, environ: dict[str, Any]) -> None:
        """Refuses a call whose signer is unknown or whose policies do not allow it, and records every decision."""
        signature = sigv4.read(environ)
        body = b"" if request.service == "s3" else read_body(environ)
        with self.lock:
            if signature is None:
                raise AwsError("AccessDenied", "Access Denied: the request is not signed.", 403)
            caller = moto_models.caller(signature.key_id, signature.token, request.region)
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
                self.decisions.append(Decision(caller.arn, question, answer == "allowed"))
                if answer != "allowed":
                    raise _denial(request.service, caller.arn, question, explicit=answer == "explicitly denied")

    def hides_missing_key(self, request: AwsRequest, environ: dict[str, Any]) -> bool:
        """Whether S3 says of a key that is not there that it is denied, as it does to who may not list."""
        signature = sigv4.read(environ)
        if not self.enforced or signature is None or request.action not in {"GetObject", "HeadObject"}:
            return False
        with self.lock:
            caller = moto_models.caller(signature.key_id, signature.token, request.region)
            listing = list_question(request, environ)
            return caller is None or verdict(caller.policies, listing) != "allowed"


def _denial(service: str, caller: str, question: Question, *, explicit: bool) -> AwsError:
    """The error of a denied action, worded as in the IAM User Guide, "Troubleshoot access denied error messages"."""
    code, status = _DENIED.get(service, ("AccessDeniedException", 400))
    because = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else f"because no identity-based policy allows the {question.action} action"
    )
    prefix = "You are not authorized to perform this operation. " if service == "ec2" else ""
    sentence = f"User: {caller} is not authorized to perform: {question.action} on resource: {question.resource}"
    return AwsError(code, f"{prefix}{sentence} {because}", status)

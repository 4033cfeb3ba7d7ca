"""Who signed an AWS call, which is always looked at; where IAM is enforced, whether their policies allow it."""

from __future__ import annotations

import hmac
import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.aws_request import read_body
from pytest_benchmark_aws.embedded.iam import sigv4
from pytest_benchmark_aws.embedded.iam.actions_and_condition_keys import list_question, questions
from pytest_benchmark_aws.embedded.iam.policy_evaluation import Question, Verdict, verdict

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.moto_models import Caller, RoleSession

_UNKNOWN_KEY = {
    "ec2": ("AuthFailure", 401),
    "s3": ("InvalidAccessKeyId", 403),
    **dict.fromkeys(("sagemaker", "logs"), ("UnrecognizedClientException", 400)),
}
"""Service -> error code and HTTP status for a key that nobody has (SageMaker's: amazon-sagemaker-operator-for-k8s issue
99)."""
_BAD_SIGNATURE = {"ec2": ("AuthFailure", 401), "s3": ("SignatureDoesNotMatch", 403)}
_DENIED = {
    "ec2": ("UnauthorizedOperation", 403),
    "s3": ("AccessDenied", 403),
    "sts": ("AccessDenied", 403),
    "iam": ("AccessDenied", 403),
}
"""Service -> error code and HTTP status of a denial; all other services, which speak JSON, answer
AccessDeniedException (400)."""
_SIGNED_BODY = 16 * 1024 * 1024
"""Bytes of a body that is read before its signature is known to be right."""


_ALPHABET = string.ascii_uppercase + string.digits


@dataclass(frozen=True, slots=True)
class Key:
    """An access key that embedded AWS hands out itself, and that may do everything until IAM is enforced."""

    key_id: str
    secret: str
    token: str = ""
    """The session token of temporary credentials; else empty."""


def make_key(*, temporary: bool = False) -> Key:
    """A random key, whose id says that it is no real one."""
    key_id = ("ASIA" if temporary else "AKIA") + "EMBEDDED" + "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return Key(key_id, secrets.token_urlsafe(30), secrets.token_urlsafe(60) if temporary else "")


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer that a caller got to one question."""

    caller: str
    """The caller's ARN."""
    question: Question
    allowed: bool


@dataclass(slots=True)
class Authorization:
    """The checks that each AWS call passes, and a record of the decisions; the lock guards moto's models."""

    lock: threading.RLock
    enforced: bool = False
    """Whether calls need a policy that allows them, and so a signer that IAM's own calls made."""
    decisions: list[Decision] = field(default_factory=list)
    keys: dict[str, Key] = field(default_factory=dict)
    """Access key id -> key, of those that embedded AWS has handed out itself."""
    tags_of: Callable[[str], Mapping[str, str]] = lambda _: {}
    """The tags of a resource that is not moto's, by its ARN."""
    _keys_of_instances: dict[str, Key] = field(default_factory=dict)

    def key_of_instance(self, instance_id: str) -> Key:
        """The credentials of an instance's role while IAM is not enforced, when the role need not exist."""
        with self.lock:
            if instance_id not in self._keys_of_instances:
                key = self._keys_of_instances[instance_id] = make_key(temporary=True)
                self.keys[key.key_id] = key
            return self._keys_of_instances[instance_id]

    def signer(self, service: str, region: str, environ: dict[str, Any]) -> Caller | None:
        """Who signed a call; None for a key that embedded AWS handed out itself. Any other call is refused."""
        signature = sigv4.read(environ)
        if signature is None:
            raise AwsError("AccessDenied", "Access Denied: the request is not signed.", 403)
        with self.lock:
            key = None if self.enforced else self.keys.get(signature.key_id)
            if key is not None and not hmac.compare_digest(key.token.encode(), signature.token.encode()):
                key = None
            caller = moto_models.caller(signature.key_id, signature.token, region) if key is None else None
        if key is None and caller is None:
            code, status = _UNKNOWN_KEY.get(service, ("InvalidClientTokenId", 403))
            raise AwsError(code, "The security token included in the request is invalid.", status)
        secret = key.secret if key is not None else caller.secret if caller is not None else ""
        body = b"" if service == "s3" else read_body(environ, _SIGNED_BODY)
        if not sigv4.is_by(secret, signature, environ, body):
            code, status = _BAD_SIGNATURE.get(service, ("SignatureDoesNotMatch", 403))
            raise AwsError(
                code, "The request signature we calculated does not match the signature you provided.", status
            )
        return caller

    def check(self, caller: Caller, request: AwsRequest, environ: dict[str, Any]) -> None:
        """Refuses a call that the caller's policies do not allow, and records every decision."""
        with self.lock:
            for question in questions(request, environ, self.tags_of):
                answer = self._decide(caller, question)
                if answer != "allowed":
                    raise _denial(request.service, caller.arn, question, explicit=answer == "explicitly denied")

    def allows(self, session: RoleSession, question: Question, region: str) -> bool:
        """Whether a role's policies allow what a service does as the role without a call; the decision is recorded."""
        with self.lock:
            caller = moto_models.caller(session.key_id, session.token, region)
            return caller is not None and self._decide(caller, question) == "allowed"

    def _decide(self, caller: Caller, question: Question) -> Verdict:
        answer = verdict(caller.policies, question)
        self.decisions.append(Decision(caller.arn, question, answer == "allowed"))
        return answer

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

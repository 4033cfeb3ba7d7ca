"""The instance metadata service (IMDS), version 2 only, of every instance."""

from __future__ import annotations

import hmac
import json
import secrets
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.ec2 import spot
from pytest_benchmark_aws.embedded.moto_models import RoleSession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_benchmark_aws.embedded.ec2.lifecycle import Lifecycle, Record
    from pytest_benchmark_aws.embedded.iam.authorization import Authorization

_TTL = "HTTP_X_AWS_EC2_METADATA_TOKEN_TTL_SECONDS"
_TOKEN = "HTTP_X_AWS_EC2_METADATA_TOKEN"


def answer(
    lifecycle: Lifecycle, method: str, path: str, environ: Mapping[str, object], authorization: Authorization
) -> tuple[int, str]:
    """HTTP status and text that answer a request of ``<instance id>.<its token>/latest/...``.

    AWS's service answers whoever is on the instance. Here the token shows it, which its processes alone are told.
    """
    name, _, rest = path.strip("/").partition("/")
    instance_id, _, guest_token = name.partition(".")
    record = lifecycle.records.get(instance_id)
    if record is None or not hmac.compare_digest(guest_token.encode(), record.guest.token.encode()):
        return 404, ""
    if rest == "latest/api/token":
        if method != "PUT":
            return 405, ""
        ttl = str(environ.get(_TTL, ""))
        if not (ttl.isdigit() and 1 <= int(ttl) <= 21600):
            return 400, ""
        token = secrets.token_urlsafe(32)
        record.imds_tokens.add(token)
        return 200, token
    if environ.get(_TOKEN) not in record.imds_tokens:
        return 401, ""
    text = _documents(record, _role(record, lifecycle, authorization)).get(rest)
    return (404, "") if text is None else (200, text)


def _role(record: Record, lifecycle: Lifecycle, authorization: Authorization) -> RoleSession | None:
    """The credentials of the instance's role; where IAM is not enforced random ones, as the role need not exist."""
    if not record.instance.iam_instance_profile:
        return None
    if not authorization.enforced:
        key = authorization.key_of_instance(record.instance.id)
        return RoleSession(key.key_id, key.secret, key.token, "embedded-role")
    return lifecycle.role_session(record)


def _documents(record: Record, role: RoleSession | None) -> dict[str, str]:
    """Metadata path -> text, of all that the instance has."""
    instance = record.instance
    zone = str(instance.availability_zone)
    meta = {
        "ami-id": instance.image_id,
        "ami-launch-index": str(instance.ami_launch_index),
        "instance-id": instance.id,
        "instance-type": instance.instance_type,
        "instance-life-cycle": instance.lifecycle or "on-demand",
        # All guests are this machine, where they reach each other. Those that their security groups let nobody in to
        # have an address that nobody here answers at.
        "local-ipv4": "127.0.0.1" if moto_models.is_open_to_itself(instance) else instance.private_ip,
        "placement/availability-zone": zone,
        "placement/region": record.region,
    }
    documents = {f"latest/meta-data/{name}": text for name, text in meta.items()}
    documents["latest/dynamic/instance-identity/document"] = json.dumps(
        {
            "accountId": moto_models.ACCOUNT,
            "architecture": instance.architecture,
            "availabilityZone": zone,
            "embedded": True,  # what it describes is no real instance, and its times are no real times
            "imageId": instance.image_id,
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "pendingTime": f"{instance.launch_time:%Y-%m-%dT%H:%M:%SZ}",
            "privateIp": instance.private_ip,
            "region": record.region,
            "version": "2017-09-30",
        },
        indent=2,
    )
    if role is not None:
        until = datetime.now(timezone.utc) + timedelta(hours=6)
        credentials = {
            "Code": "Success",
            "AccessKeyId": role.key_id,
            "SecretAccessKey": role.secret,
            "Token": role.token,
            "Expiration": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        }
        folder = "latest/meta-data/iam/security-credentials"
        documents[folder] = documents[f"{folder}/"] = role.role
        documents[f"{folder}/{role.role}"] = json.dumps(credentials)
    return documents | spot.notice_documents(record)

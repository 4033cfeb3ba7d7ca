"""Requests signed with an instance profile's role, held against botocore's own signing."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("botocore")

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from pytest_benchmark_aws.guest.s3 import PAYLOAD, sign

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1, max_size=30)
ROLE = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "secret/key+1", "Token": "session==token"}


@given(
    method=st.sampled_from(["GET", "PUT"]),
    key=st.lists(NAMES, min_size=1, max_size=4).map("/".join),
    region=st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]),
    once=st.booleans(),
)
def test_the_signature_is_botocores(method: str, key: str, region: str, once: bool) -> None:
    """For any method, key, region and condition header, the Authorization equals that of botocore's S3SigV4Auth."""
    url = f"https://bucket.s3.{region}.amazonaws.com/{key}"
    headers = {"Content-Type": "application/octet-stream", **({"If-None-Match": "*"} if once else {})}
    now = datetime.now(timezone.utc)
    ours = sign(method, url, headers, region, ROLE, now)
    request = AWSRequest(method=method, url=url, headers=dict(headers))
    request.context.update(payload_signing_enabled=False)
    auth = S3SigV4Auth(Credentials(ROLE["AccessKeyId"], ROLE["SecretAccessKey"], ROLE["Token"]), "s3", region)
    stamp = ours["x-amz-date"]
    request.context["timestamp"] = stamp
    request.headers["X-Amz-Date"] = stamp
    request.headers["X-Amz-Security-Token"] = ROLE["Token"]
    request.headers["X-Amz-Content-SHA256"] = PAYLOAD
    text = auth.string_to_sign(request, auth.canonical_request(request))
    assert ours["Authorization"].endswith(f"Signature={auth.signature(text, request)}")

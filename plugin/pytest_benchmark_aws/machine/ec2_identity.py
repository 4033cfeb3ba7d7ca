"""Whether this machine is an EC2 instance, by its firmware, and which, by the metadata service, version 2."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENDPOINT = "http://169.254.169.254"
_LIMIT = 64 * 1024
"""Bytes of an answer that are read; an identity document has under 1 KiB."""
_SAFE = re.compile(r"[A-Za-z0-9._:/-]{1,128}")


@dataclass(frozen=True, slots=True)
class Ec2Identity:
    """An EC2 instance as its metadata describes it; a field that it does not have is None."""

    instance_type: str | None
    instance_id: str | None
    zone: str | None
    region: str | None
    ami: str | None
    market: str | None
    embedded: bool = False
    """Whether it is embedded AWS's: then the type is a name only, and the machine is whatever it runs on."""


def is_ec2(root: Path = Path("/")) -> bool:
    """Whether the firmware says EC2 (AWS: "Identify EC2 Linux instances"); reads files only, never the network."""
    for name in ("sys_vendor", "board_vendor"):
        if _text(root / "sys/class/dmi/id" / name) == "Amazon EC2":
            return True
    uuids = (root / "sys/hypervisor/uuid", root / "sys/class/dmi/id/product_uuid")
    return any(_text(path).lower().startswith("ec2") for path in uuids)


def read_identity(root: Path = Path("/"), endpoint: str | None = None, timeout_s: float = 1.0) -> Ec2Identity | None:
    """This instance's identity; None off EC2, unless an endpoint is named, and where no metadata service answers.

    ``AWS_EC2_METADATA_DISABLED`` and ``AWS_EC2_METADATA_SERVICE_ENDPOINT`` work as for AWS's own tools. At most three
    requests, each within ``timeout_s``.
    """
    chosen_endpoint = endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true" or not (chosen_endpoint or is_ec2(root)):
        return None
    import json
    from http.client import HTTPException

    base = (chosen_endpoint or ENDPOINT).rstrip("/")
    try:
        token = _request(f"{base}/latest/api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}, timeout_s)
        headers = {"X-aws-ec2-metadata-token": token}
        document = json.loads(_request(f"{base}/latest/dynamic/instance-identity/document", "GET", headers, timeout_s))
        if not isinstance(document, dict):
            return None
        market = _market(base, headers, timeout_s)
    except (OSError, ValueError, HTTPException, RecursionError):
        return None
    return Ec2Identity(
        instance_type=_safe(document.get("instanceType")),
        instance_id=_safe(document.get("instanceId")),
        zone=_safe(document.get("availabilityZone")),
        region=_safe(document.get("region")),
        ami=_safe(document.get("imageId")),
        market=market,
        embedded=document.get("embedded") is True,
    )


def _market(base: str, headers: dict[str, str], timeout_s: float) -> str | None:
    """``on-demand`` or ``spot``; None where the service does not say."""
    from http.client import HTTPException

    try:
        answer = _request(f"{base}/latest/meta-data/instance-life-cycle", "GET", headers, timeout_s).strip()
    except (OSError, ValueError, HTTPException):
        return None
    return answer if answer in {"on-demand", "spot"} else None


def _request(url: str, method: str, headers: dict[str, str], timeout_s: float) -> str:
    """The text of an answer of the metadata service, of at most 64 KiB."""
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # metadata is never behind a proxy
    request = urllib.request.Request(url, method=method, headers=headers)
    with opener.open(request, timeout=timeout_s) as answer:
        body: bytes = answer.read(_LIMIT + 1)
    if len(body) > _LIMIT:
        raise ValueError(f"{url}: more than {_LIMIT} bytes")
    return body.decode("utf-8")


def _safe(value: Any) -> str | None:
    """The value where it is an identifier, else None."""
    return value if isinstance(value, str) and _SAFE.fullmatch(value) else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""

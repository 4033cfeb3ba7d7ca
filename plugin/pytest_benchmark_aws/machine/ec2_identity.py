"""Whether this machine is an EC2 instance, by its firmware, and which, by the metadata service, version 2.

In a SageMaker training job's container no such service answers, and files tell.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.machine.hardware import read_text

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
        if read_text(root / "sys/class/dmi/id" / name) == "Amazon EC2":
            return True
    uuids = (root / "sys/hypervisor/uuid", root / "sys/class/dmi/id/product_uuid")
    return any((read_text(path) or "").lower().startswith("ec2") for path in uuids)


def read_identity(root: Path = Path("/"), endpoint: str | None = None, timeout_s: float = 1.0) -> Ec2Identity | None:
    """This instance's identity; None off EC2, unless an endpoint is named, and where no metadata service answers.

    ``AWS_EC2_METADATA_DISABLED`` and ``AWS_EC2_METADATA_SERVICE_ENDPOINT`` work as for AWS's own tools. At most three
    requests, each within ``timeout_s``.
    """
    training_job = os.environ.get("TRAINING_JOB_NAME")
    if training_job:
        return _in_training_job(training_job)
    is_named = bool(endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT"))
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true" or not (is_named or is_ec2(root)):
        return None
    import json
    from http.client import HTTPException

    from pytest_benchmark_aws.guest.instance_metadata import MetadataService

    service = MetadataService(endpoint, timeout_s)
    try:
        document = json.loads(service.read("dynamic/instance-identity/document"))
        if not isinstance(document, dict):
            return None
        try:
            market = service.read("meta-data/instance-life-cycle").strip()
        except (OSError, ValueError, HTTPException):
            market = ""
    except (OSError, ValueError, HTTPException, RecursionError):
        return None
    return Ec2Identity(
        instance_type=_safe(document.get("instanceType")),
        instance_id=_safe(document.get("instanceId")),
        zone=_safe(document.get("availabilityZone")),
        region=_safe(document.get("region")),
        ami=_safe(document.get("imageId")),
        market=market if market in {"on-demand", "spot"} else None,
        embedded=document.get("embedded") is True,
    )


def _in_training_job(name: str) -> Ec2Identity | None:
    """The identity of a training job's host; None where the files that tell are not there.

    SageMaker guide, "How Amazon SageMaker AI Provides Training Information": resourceconfig.json and the variables.
    """
    import json

    own = os.environ.get("PYTEST_BENCHMARK_AWS_OPT_ML")  # embedded AWS's folder in place of /opt/ml
    path = Path(own or "/opt/ml") / "input" / "config" / "resourceconfig.json"
    try:
        config = json.loads(read_text(path) or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(config, dict):
        return None
    return Ec2Identity(
        instance_type=_safe(config.get("current_instance_type")),
        instance_id=_safe(name),
        zone=None,
        region=_safe(os.environ.get("AWS_REGION")),
        ami=None,
        market=None,
        embedded=own is not None,
    )


def _safe(value: Any) -> str | None:
    """The value where it is an identifier, else None."""
    return value if isinstance(value, str) and _SAFE.fullmatch(value) else None

"""Which AWS region is meant, and whether a text can be the name of one."""

from __future__ import annotations

import os
import re

from pytest_benchmark_aws.core.errors import PlanError


def region_of_environment() -> str | None:
    """The region that the environment names. boto3 ignores AWS_REGION, which every other SDK honours."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def endpoint_of_environment() -> str | None:
    """The host that all calls go to in place of AWS's own, such as an embedded AWS's; None without one.

    botocore reads both variables (its configprovider.py, ``ignore_configured_endpoint_urls``).
    """
    url = os.environ.get("AWS_ENDPOINT_URL")
    if not url or os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return url.partition("://")[2].rpartition("@")[2].partition("/")[0] or url  # a password is none of the terminal's


def check_region(option: str | None) -> None:
    """Refuses what cannot be a region, offline; with an endpoint of the user's own, any name is one.

    Raises:
        PlanError: the name is not known, and has no region's form.
    """
    region = option or region_of_environment()
    if region is None or any(name.startswith("AWS_ENDPOINT_URL") for name in os.environ):
        return
    if re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d{1,2}", region):
        return  # AWS opens new ones that botocore has not heard of
    from difflib import get_close_matches

    names = regions()
    if region not in names:
        near = get_close_matches(region, names, n=3, cutoff=0.0)
        option_text = f"--aws-region={region}" if option else f"AWS_REGION={region}"
        raise PlanError(f"{option_text}: there is no such region; did you mean {', '.join(near)}?")


def regions() -> list[str]:
    """The EC2 regions that botocore knows, in every partition, without a request."""
    from botocore.session import Session

    session = Session()
    partitions = session.get_available_partitions()
    return sorted(name for partition in partitions for name in session.get_available_regions("ec2", partition))

"""The parts of a node id: the target that a session with --aws puts last in it, and the bare id without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TARGET = "aws_instance_type"
"""The parameter that a session with --aws adds to a test."""


def job_name(extra_info: Mapping[str, Any]) -> str:
    """The target, ``m5.8xlarge-spot-launch2``, of the launch that an extra_info is of; empty where it is of none."""
    instance_type, launch = extra_info.get("instance_type"), extra_info.get("launch")
    if not isinstance(instance_type, str) or not instance_type:
        return ""
    step = extra_info.get("search_step")
    if isinstance(step, int) and 0 < step < 1_000_000:
        return f"search-{step}"
    # On demand because spot was not to be had: the launch keeps the name that it was asked for by.
    spot = extra_info.get("market") == "spot" or "fallback" in extra_info
    machines = extra_info.get("count")
    count = f"-x{machines}" if isinstance(machines, int) and 1 < machines < 1_000_000 else ""
    number = f"-launch{launch}" if isinstance(launch, int) and launch > 1 else ""
    return instance_type + count + "-spot" * spot + number


def bare_id(node_id: str, target: str) -> str:
    """A node id, or a test's name, without the target: as it is on every machine; unchanged where it has none."""
    if node_id.endswith(f"-{target}]"):
        return node_id.removesuffix(f"-{target}]") + "]"
    return node_id.removesuffix(f"[{target}]")

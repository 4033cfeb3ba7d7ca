"""What the user asked of the plugin, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from pytest_benchmark_aws.core.model import Market


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a session, each checked; ``None`` where one was not given and has no default."""

    target: Literal["auto", "cloud", "embedded"]
    dry_run: bool
    instance_types: tuple[str, ...]
    market: Market | None
    spot_fallback: bool
    region: str | None
    profile: str | None
    max_cost_usd: Decimal
    max_parallel: int
    time_limit_s: int
    launches: int
    misfit: Literal["fail", "skip"]
    allow_burstable: bool
    scheduler_role: str | None
    prices: dict[str, Decimal]
    ami: str | None
    subnets: tuple[str, ...]
    security_group: str | None
    bucket: str | None
    instance_profile: str | None
    requirements: Path | None
    resume: str | None
    detach: bool
    show_bundle: bool
    baselines: Path | None
    throughput: str | None
    scale_parameter: str | None

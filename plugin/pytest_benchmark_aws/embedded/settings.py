"""What a caller may set of an embedded AWS: region, port, quotas, and how long its states last."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """How one embedded AWS behaves; the defaults suit a test."""

    region: str = "us-east-1"
    port: int = 0
    """TCP port; 0 is any free one."""
    vcpu_quota: int = 256
    """vCPUs of running standard on-demand instances, quota L-1216C47A."""
    spot_vcpu_quota: int = 256
    """vCPUs of running standard spot instances, quota L-34B43A08."""
    state_delay: float = 0.2
    """Seconds that an instance stays pending, shutting-down or stopping."""
    kill_grace: float = 5.0
    """Seconds between SIGTERM and SIGKILL for the processes of an instance that ends."""
    minute: float = 60.0
    """Seconds that a minute of a guest's ``shutdown +MINUTES`` lasts; tests shorten it."""

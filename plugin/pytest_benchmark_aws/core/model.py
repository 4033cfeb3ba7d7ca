"""The data types that the rest speaks in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal

Market = Literal["on-demand", "spot"]
MARKETS: tuple[Market, ...] = ("on-demand", "spot")
Arch = Literal["x86_64", "arm64"]
ARCHES: tuple[Arch, ...] = ("x86_64", "arm64")


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One row of the catalog. What is not known is None."""

    name: str
    vcpus: int | None
    cores: int | None
    threads_per_core: int | None
    memory_bytes: int | None
    arches: tuple[str, ...]
    cpu_manufacturer: str | None
    clock_ghz: float | None
    gpu: str | None
    gpus: int
    burstable: bool
    current_generation: bool
    usd_per_hour: Decimal | None
    """On demand, Linux, shared tenancy, us-east-1."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a case needs of a machine; None asks for nothing."""

    memory_bytes: int | None = None
    vcpus: int | None = None
    arch: Arch | None = None
    gpu: int | None = None
    """GPUs."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The instance types that a test names, and the market; no types means that it names none."""

    instance_types: tuple[str, ...] = ()
    market: Market | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """What of a machine decides whether a case fits it."""

    name: str
    vcpus: int | None
    memory_bytes: int | None
    arches: tuple[str, ...]
    gpus: int | None
    """None: not known, and then not a reason against."""

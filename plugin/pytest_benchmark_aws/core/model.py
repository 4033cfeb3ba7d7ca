"""The data types that the rest speaks in."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.catalog import InstanceType

Market = Literal["on-demand", "spot"]
MARKETS: tuple[Market, ...] = ("on-demand", "spot")
Arch = Literal["x86_64", "arm64"]
ARCHES: tuple[Arch, ...] = ("x86_64", "arm64")

GRACE_S = 600
"""Beyond the time limit, a launch may live this long: boot, the last upload, and power-off or termination.

Of every backend that says nothing else; here and not with the other waiting times, as a plan's most cost counts it.
"""


LONGEST_URL_S = 604_800
"""Seconds that a presigned URL is valid at most (S3 API reference, X-Amz-Expires; aws-cli #5464)."""


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
    """The instance types that a test names, market and machines of a launch; no types means that it names none."""

    instance_types: tuple[str, ...] = ()
    market: Market | None = None
    counts: tuple[int, ...] = (1,)
    """Machines of a launch; of several each is a target."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where one case runs: an instance type, a market, which of several launches of it, and machines of a launch."""

    instance_type: str
    market: Market = "on-demand"
    launch: int = 1
    step: int = 0
    """Of a search, from 1: its instance type is chosen when its turn comes, and is empty before. 0: no search's."""
    count: int = 1
    """Machines of the type that are launched together; more than one are a group."""

    def __str__(self) -> str:
        """As test ids and progress show it: ``m5.8xlarge``, ``m5.8xlarge-x4-spot-launch2``, ``search-3``."""
        return f"search-{self.step}" if self.step else self.place

    @property
    def machines(self) -> str:
        """What is launched, as tables name it: ``m5.8xlarge``, ``m5.8xlarge ×4``."""
        return self.instance_type if self.count == 1 else f"{self.instance_type} ×{self.count}"

    @property
    def place(self) -> str:
        """As the storage's folders are named: by what it is, whichever step of a search it was."""
        count = "" if self.count == 1 else f"-x{self.count}"
        market = "" if self.market == "on-demand" else f"-{self.market}"
        return f"{self.instance_type}{count}{market}" + (f"-launch{self.launch}" if self.launch > 1 else "")


@dataclass(frozen=True, slots=True)
class Case:
    """One collected benchmark test for one target."""

    node_id: str
    """As this session knows it, the target in its id."""
    bare_id: str
    """As it is on every machine."""
    target: Target
    requirements: Requirements


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour of an instance type, or of all machines of a job's launch, costs, and who says so."""

    usd_per_hour: Decimal
    source: str
    """``snapshot of 2026-07-20``, ``Pricing API, 2026-11-24`` or ``--aws-price``."""


@dataclass(frozen=True, slots=True)
class Job:
    """The cases that one launch of one instance type runs: an instance, or a group of them."""

    target: Target
    instance_type: InstanceType
    cases: tuple[Case, ...]
    price: Price
    """Of an hour of all its machines."""
    time_limit_s: int
    fallback: bool = False
    """Spot was asked for and not to be had: this launch is on demand, and says so."""
    grace_s: int = GRACE_S
    """Seconds beyond the time limit that the launch may live, by its backend."""

    @property
    def longest_s(self) -> int:
        """Seconds that a launch lives at most: its time limit and the grace."""
        return self.time_limit_s + self.grace_s

    @property
    def market(self) -> Market:
        """The market that the launch is in."""
        return "on-demand" if self.fallback else self.target.market

    @property
    def count(self) -> int:
        """Machines of its launch."""
        return self.target.count

    @property
    def name(self) -> str:
        """Unique in a run."""
        return str(self.target)

    @property
    def arch(self) -> str:
        """x86_64 or arm64: the first that there are images of; ``t2.micro`` and others are i386, too."""
        return next((arch for arch in self.instance_type.arches if arch in ARCHES), "x86_64")

    @property
    def platform(self) -> str:
        """What is shipped to its launch, by name: the architecture, with SageMaker's prefix for a training job."""
        return (SAGEMAKER_PREFIX if self.target.instance_type.startswith(SAGEMAKER_PREFIX) else "") + self.arch


@dataclass(frozen=True, slots=True)
class Misfit:
    """A case and an instance type that cannot hold it."""

    case: Case
    reasons: tuple[str, ...]
    would_fit: tuple[str, ...]
    """The cheapest types that can."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would launch, what it cannot, and the most it can cost."""

    jobs: tuple[Job, ...]
    misfits: tuple[Misfit, ...]
    most_usd: Decimal


@dataclass(frozen=True, slots=True)
class Machine:
    """What of a machine decides whether a case fits it."""

    name: str
    vcpus: int | None
    memory_bytes: int | None
    arches: tuple[str, ...]
    gpus: int | None
    """None: not known, and then not a reason against."""
    usable_bytes: int | None = None
    """Memory that its kernel shows; None: all."""

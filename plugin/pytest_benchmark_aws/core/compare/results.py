"""pytest-benchmark's JSON -> results that can be compared across machines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from pytest_benchmark_aws.core.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark on one machine."""

    machine: str
    case: str
    """The test and its parameters but the one that scales the work: what is the same on every machine."""
    scale: str | None
    seconds: float
    """Median over the rounds."""
    throughput: float
    """Units of work a second."""
    vcpus: int | None
    usd_per_hour: Decimal | None
    published: bool = False
    """A figure that somebody published, not a run of this suite."""
    here: bool = False
    rounds: tuple[float, ...] = ()
    """Seconds of each, where the file has them."""
    threads_per_core: int | None = None
    """As the machine itself told; an instance type's default says nothing of a launch (``CpuOptions``)."""

    @property
    def work(self) -> float:
        """Units of work in one run."""
        return self.throughput * self.seconds


def parse_results(
    data: Mapping[str, Any],
    machine: str,
    throughput_key: str | None,
    scale_parameter: str | None,
    catalog: Catalog,
    *,
    here: bool = False,
) -> list[Result]:
    """The results of one file, named by the instance type in it, else by ``machine``.

    Without a throughput, a result counts one unit of work a run. A result with no finite, positive median is left out.

    Raises:
        KeyError, TypeError, AttributeError: the data is no pytest-benchmark result file.
    """
    info = data.get("machine_info") or {}
    name = (info.get("ec2") or {}).get("instance_type") or machine
    known = catalog.find(name)
    if (info.get("ec2") or {}).get("embedded"):
        name = f"{name} (embedded)"  # its times are those of whatever machine embedded AWS ran on
    hardware = info.get("hardware") or {}
    vcpus = hardware.get("vcpus") or (known.vcpus if known else None)
    results = []
    for bench in data["benchmarks"]:
        seconds = float(bench["stats"]["median"])
        if not (math.isfinite(seconds) and seconds > 0):
            continue
        extra = bench.get("extra_info") or {}
        given = extra.get(throughput_key) if throughput_key else None
        params = dict(bench.get("params") or {})
        scale = params.pop(scale_parameter, None) if scale_parameter else None
        results.append(
            Result(
                machine=f"{name}, here" if here and name != machine else name,
                case=_case(bench["fullname"], params),
                scale=None if scale is None else str(scale),
                seconds=seconds,
                throughput=float(given) if given else 1 / seconds,
                vcpus=vcpus,
                usd_per_hour=known.usd_per_hour if known else None,
                published=bool(extra.get("published")),
                here=here,
                rounds=tuple(float(value) for value in bench["stats"].get("data") or (seconds,)),
                threads_per_core=hardware.get("threads_per_core"),
            )
        )
    return results


def _case(fullname: str, params: Mapping[str, object]) -> str:
    values = "-".join(str(params[name]) for name in params)
    function = fullname.split("[", 1)[0]
    return f"{function}[{values}]" if values else function

"""Which machine made a result, from what pytest-benchmark's machine_info and our extra_info say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.core.values.service_requests import is_service

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.catalog import Catalog, InstanceType

PUBLISHED = " (published)"


@dataclass(frozen=True, slots=True)
class MachineInfo:
    """What is known of the machine that made a file. What is not known is None."""

    name: str
    """The instance type, or the CPU and its count; what tells rows apart."""
    instance_type: str | None
    """Of a group ``m5.8xlarge ×4``, which is no type that anything else is measured on."""
    market: str | None
    embedded: bool
    published: bool
    """A figure that somebody published, not a run of this suite."""
    vcpus: int | None
    cores: int | None
    threads_per_core: int | None
    memory_bytes: int | None
    cpu: str | None
    arch: str | None
    python: str | None
    region: str | None
    usd_per_hour: Decimal | None
    price_date: str | None
    """ISO 8601."""
    node: str | None = None
    system: str | None = None
    usd_per_request: Decimal | None = None
    """Of a managed service, which is no machine and bills by request."""
    gpu: str | None = None
    gpus: int | None = None
    """GPUs; None where there is none."""
    gpu_memory_bytes: int | None = None
    """Of one GPU."""
    gpu_driver: str | None = None
    cuda: str | None = None
    """The newest CUDA that the driver runs."""
    count: int = 1
    """Machines of a group, whose vCPUs, cores, memory and price are together."""

    @property
    def single_name(self) -> str:
        """The name of one machine of a group's type."""
        return self.name.replace(_of_count(self.count), "", 1)

    @property
    def kind(self) -> str:
        """The name of what a published figure and a run on the same machine have in common."""
        return self.name.removesuffix(PUBLISHED)


def _of_count(count: int) -> str:
    return "" if count == 1 else f" ×{count}"


def machine_of(info: Mapping[str, Any], extra: Mapping[str, Any], catalog: Catalog) -> MachineInfo:
    """The machine that a file's machine_info and a benchmark's extra_info tell of; a managed service stands for one."""
    if is_service(extra):
        return _service(info, extra)
    hardware, ec2, cpu, gpu = (json_fields.mapping(info.get(name)) for name in ("hardware", "ec2", "cpu", "gpu"))
    named = extra.get("instance_type") or ec2.get("instance_type")
    instance_type = json_fields.text(named)
    listed = catalog.find(instance_type) if instance_type else None
    embedded = bool(extra.get("embedded") or ec2.get("embedded"))
    market = json_fields.text(extra.get("market") or ec2.get("market"))
    published = bool(extra.get("published"))
    machines = json_fields.whole(extra.get("count") or ec2.get("count")) or 1
    count = machines if instance_type and 1 < machines < 1_000_000 else 1

    def whole(name: str) -> int | None:
        measured = json_fields.whole(hardware.get(name))
        if listed and (embedded or measured is None):  # hardware of embedded AWS is that of whatever machine it ran on
            return cast("int | None", getattr(listed, name))
        return measured

    vcpus = whole("vcpus")
    if not (embedded and listed):
        vcpus = vcpus or json_fields.whole(cpu.get("count"))
    model = json_fields.text(hardware.get("cpu_model") or cpu.get("brand_raw") or cpu.get("brand"))
    threads = whole("threads_per_core")
    price = json_fields.usd(extra.get("usd_per_hour"))
    name = instance_type or _unnamed(model, vcpus, info)
    if instance_type:
        instance_type += _of_count(count)
        name = instance_type
        if market == "spot":
            name += " spot"
        if listed and listed.threads_per_core and threads and threads != listed.threads_per_core:
            name += f" with {threads} thread{'s' if threads > 1 else ''} a core"
        name += " (embedded)" if embedded else PUBLISHED if published else ""
    return MachineInfo(
        name=name,
        instance_type=instance_type,
        market=market,
        embedded=embedded,
        published=published,
        vcpus=_times(count, vcpus),
        cores=_times(count, whole("cores")),
        threads_per_core=threads,
        memory_bytes=_times(count, whole("memory_bytes")),
        cpu=model,
        arch=json_fields.text(hardware.get("arch") or info.get("machine")),
        python=json_fields.text(info.get("python_version")),
        region=json_fields.text(extra.get("region") or ec2.get("region")),
        usd_per_hour=price if price is not None else _listed_price(listed, count),
        price_date=_date_in(extra.get("price_source")) if price is not None else _date_of(listed, catalog),
        node=json_fields.text(info.get("node")),
        system=json_fields.text(info.get("system")),
        # What embedded AWS shows of a GPU is made up, and says so; without a driver's word it is the catalog's.
        gpu=json_fields.text(gpu.get("name")) or (listed.gpu if listed and listed.gpus else None),
        gpus=_times(count, json_fields.whole(gpu.get("count")) or (listed.gpus or None if listed else None)),
        gpu_memory_bytes=json_fields.whole(gpu.get("memory_bytes")),
        gpu_driver=json_fields.text(gpu.get("driver")),
        cuda=json_fields.text(gpu.get("cuda")),
        count=count,
    )


def _service(info: Mapping[str, Any], extra: Mapping[str, Any]) -> MachineInfo:
    """A managed service in a region, of whose machines nothing is known."""
    words = (extra.get("service"), extra.get("variant"), "in", extra.get("region"))
    embedded = bool(extra.get("embedded"))
    usd = json_fields.usd(extra.get("usd_per_request"))
    return MachineInfo(
        name=" ".join(filter(None, map(json_fields.text, words))) + (" (embedded)" if embedded else ""),
        instance_type=None,
        market=None,
        embedded=embedded,
        published=False,
        vcpus=None,
        cores=None,
        threads_per_core=None,
        memory_bytes=None,
        cpu=None,
        arch=None,
        python=json_fields.text(info.get("python_version")),
        region=json_fields.text(extra.get("region")),
        usd_per_hour=None,
        price_date=None if usd is None else _date_in(extra.get("price_date")),
        node=json_fields.text(info.get("node")),
        system=json_fields.text(info.get("system")),
        usd_per_request=usd,
    )


def _times(count: int, number: int | None) -> int | None:
    return None if number is None else count * number


def _listed_price(listed: InstanceType | None, count: int) -> Decimal | None:
    """What an hour of so many machines of a type costs by the catalog; an extra_info's price is of all already."""
    return None if listed is None or listed.usd_per_hour is None else count * listed.usd_per_hour


def _date_of(listed: InstanceType | None, catalog: Catalog) -> str | None:
    """The date of a type's price in the catalog, where it has one."""
    return catalog.price_date if listed and listed.usd_per_hour is not None else None


def _unnamed(model: str | None, vcpus: int | None, info: Mapping[str, Any]) -> str:
    if model:
        return f"{' '.join(model.split())}, {vcpus} CPUs" if vcpus else " ".join(model.split())
    return json_fields.text(info.get("node")) or "unknown machine"


def _date_in(source: object) -> str | None:
    """The day in what says where a price is from: ``Pricing API, 2026-11-24``."""
    for word in str(source or "").replace(",", " ").split():
        if len(word) == 10 and word[4] == word[7] == "-":
            return word
    return None

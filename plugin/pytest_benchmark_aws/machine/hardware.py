"""CPUs, memory and kernel of this machine or its container, read from a few files under /proc and /sys."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path("/")
_NO_LIMIT = 2**60
"""cgroup v1 says "no limit" by a number near 2**63."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides how fast a machine is; a fact that cannot be known is None."""

    vcpus: int
    """CPUs that this process may use: its affinity, and its container's quota rounded up."""
    cores: int
    """Physical cores among them."""
    threads_per_core: int
    sockets: int | None
    """Processor packages among them; None where the kernel does not tell."""
    smt: bool | None
    numa_nodes: int | None
    memory_bytes: int | None
    """RAM, or the container's limit where that is less."""
    cpu_model: str | None
    kernel: str
    arch: str
    governor: str | None

    def as_dict(self) -> dict[str, Any]:
        """The facts by name, as JSON has them."""
        return asdict(self)


def read_facts(root: Path = ROOT, affinity: frozenset[int] | None = None) -> Facts:
    """The facts that /proc and /sys below ``root`` tell; a missing file makes a fact unknown and is no error.

    ``affinity`` are the CPUs that this process may use, by default those that the system says.
    """
    has_affinity = hasattr(os, "sched_getaffinity")
    system = frozenset(os.sched_getaffinity(0) if has_affinity else range(os.cpu_count() or 1))
    cpus = system if affinity is None else affinity
    groups = _cgroup_folders(root)
    quota = _quota(groups)
    vcpus = max(1, len(cpus) if quota is None else min(len(cpus), quota))
    cores = set(first_threads(root, cpus))
    threads_per_core = max(1, len(cpus) // len(cores)) if cores else 1
    smt = _number(root / "sys/devices/system/cpu/smt/active")
    nodes = len(list((root / "sys/devices/system/node").glob("node[0-9]*")))
    machine = platform.machine().lower()
    return Facts(
        vcpus=vcpus,
        cores=min(vcpus, len(cores)) if cores else vcpus,
        threads_per_core=threads_per_core,
        sockets=len({package for package, _ in cores}) or None,
        smt=None if smt is None else bool(smt),
        numa_nodes=nodes or None,
        memory_bytes=_memory(root, groups),
        cpu_model=_cpu_model(root),
        kernel=platform.release(),
        arch={"aarch64": "arm64", "amd64": "x86_64"}.get(machine, machine),
        governor=read_text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    )


def first_threads(root: Path = ROOT, cpus: frozenset[int] | None = None) -> dict[tuple[int, int], int]:
    """The lowest CPU number of each core, by package and core, among ``cpus``; empty where the kernel does not tell.

    ``cpus`` are by default those that this process may use.
    """
    if cpus is None:
        cpus = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()
    firsts: dict[tuple[int, int], int] = {}
    for cpu in sorted(cpus):
        core = _core_of(root, cpu)
        if core is not None:
            firsts.setdefault(core, cpu)
    return firsts


def socket_cpus(root: Path = ROOT, cpus: frozenset[int] | None = None) -> frozenset[int]:
    """One CPU of each core of one socket: the one with most cores among ``cpus``, of equal ones the first.

    Empty where the kernel does not tell.
    """
    sockets: dict[int, set[int]] = {}
    for (package, _), cpu in sorted(first_threads(root, cpus).items()):
        sockets.setdefault(package, set()).add(cpu)
    largest: set[int] = max(sockets.values(), key=len, default=set())
    return frozenset(largest)


def read_text(path: Path) -> str | None:
    """A file's text without blanks around it; None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = read_text(path)
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _core_of(root: Path, cpu: int) -> tuple[int, int] | None:
    """Package and core of a CPU; None where the kernel does not tell."""
    folder = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
    package, core = _number(folder / "physical_package_id"), _number(folder / "core_id")
    return None if package is None or core is None else (package, core)


def _cpu_model(root: Path) -> str | None:
    for line in (read_text(root / "proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return None


def _memory(root: Path, groups: list[Path]) -> int | None:
    """Bytes of RAM, or of the tightest limit of the control groups where that is less."""
    amounts = []
    for line in (read_text(root / "proc/meminfo") or "").splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "MemTotal:" and words[1].isdigit():
            amounts.append(int(words[1]) * 1024)
    if not amounts and root == ROOT:
        try:
            amounts.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        except (ValueError, OSError, AttributeError):
            return None
    for group in groups:
        for name in ("memory.max", "memory.limit_in_bytes"):  # cgroup v2, v1
            limit = _number(group / name)
            if limit is not None and limit < _NO_LIMIT:
                amounts.append(limit)
    return min(amounts, default=None)


def _quota(groups: list[Path]) -> int | None:
    """The number of CPUs of the tightest quota of the control groups, rounded up; None without one."""
    quotas = []
    for group in groups:
        words = (read_text(group / "cpu.max") or "").split()  # cgroup v2: "$MAX $PERIOD"
        if len(words) != 2:
            words = [read_text(group / "cpu.cfs_quota_us") or "", read_text(group / "cpu.cfs_period_us") or ""]  # v1
        if all(word.isdigit() for word in words) and int(words[1]):
            quotas.append(max(1, -(-int(words[0]) // int(words[1]))))
    return min(quotas, default=None)


def _cgroup_folders(root: Path) -> list[Path]:
    """The folders of this process's control groups and all their ancestors, of either version (cgroups(7))."""
    mounts: list[tuple[Path, frozenset[str]]] = []
    for line in (read_text(root / "proc/self/mountinfo") or "").splitlines():
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if len(fields) > 4 and len(kind) > 2 and kind[0] in {"cgroup", "cgroup2"}:
            controllers = frozenset({""} if kind[0] == "cgroup2" else kind[2].split(","))
            mounts.append((root / fields[4].lstrip("/"), controllers))
    folders: list[Path] = []
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        for mount, controllers in mounts:
            if controllers.isdisjoint(names.split(",")):
                continue
            # In a cgroup namespace the path may lie outside the mount: what exists of it counts, the mount always.
            group = mount / path.lstrip("/")
            while group != mount and mount in group.parents:
                folders.append(group)
                group = group.parent
            folders.append(mount)
    return list(dict.fromkeys(folders))

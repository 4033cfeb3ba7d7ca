"""What /proc and /sys say, from trees of files as real machines have them."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.machine.hardware import first_threads, read_facts, socket_cpus

if TYPE_CHECKING:
    from pathlib import Path

GIB = 2**30


def write(root: Path, files: dict[str, str]) -> Path:
    """Writes the files under the root."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def topology(cores: int, threads: int) -> dict[str, str]:
    """CPUs as Linux numbers them: first one of each core, then their siblings."""
    return {
        f"sys/devices/system/cpu/cpu{cpu}/topology/{name}": f"{value}\n"
        for cpu in range(cores * threads)
        for name, value in (("physical_package_id", 0), ("core_id", cpu % cores))
    }


def test_hyperthreads_are_told_from_cores(tmp_path: Path) -> None:
    """Eight CPUs with two for each core are four cores."""
    write(tmp_path, {**topology(4, 2), "sys/devices/system/cpu/smt/active": "1\n"})
    facts = read_facts(tmp_path, frozenset(range(8)))
    assert (facts.vcpus, facts.cores, facts.threads_per_core, facts.smt) == (8, 4, 2, True)


def sockets(packages: int, cores: int, threads: int) -> dict[str, str]:
    """CPUs of several packages as Linux numbers them: the cores of one package after another, then their siblings."""
    return {
        f"sys/devices/system/cpu/cpu{cpu}/topology/{name}": f"{value}\n"
        for cpu in range(packages * cores * threads)
        for name, value in (("physical_package_id", cpu // cores % packages), ("core_id", cpu % cores))
    }


def test_a_socket_is_one_cpu_of_each_of_its_cores(tmp_path: Path) -> None:
    """c5.24xlarge has two sockets of 24 cores: 0 to 23 are the first one's, and 48 to 71 their second threads."""
    write(tmp_path, sockets(2, 24, 2))
    everything = frozenset(range(96))
    facts = read_facts(tmp_path, everything)
    assert (facts.vcpus, facts.cores, facts.threads_per_core, facts.sockets) == (96, 48, 2, 2)
    assert socket_cpus(tmp_path, everything) == frozenset(range(24))
    assert len(first_threads(tmp_path, everything)) == 48


def test_a_socket_is_what_this_process_may_use_of_it(tmp_path: Path) -> None:
    """Of a process that is pinned to parts of both sockets, the one with more cores is the socket."""
    write(tmp_path, sockets(2, 24, 2))
    assert socket_cpus(tmp_path, frozenset({0, 1, 24, 25, 26, 72})) == frozenset({24, 25, 26})
    assert socket_cpus(tmp_path, frozenset({48, 49, 0})) == frozenset({0, 49})


def test_unknown_sockets_are_none(tmp_path: Path) -> None:
    """Where the kernel does not tell the packages there is no socket to pin to."""
    assert read_facts(tmp_path, frozenset({0, 1})).sockets is None
    assert socket_cpus(tmp_path, frozenset({0, 1})) == frozenset()


def test_affinity_is_the_machine(tmp_path: Path) -> None:
    """A process pinned to two siblings has two vCPUs of one core."""
    facts = read_facts(write(tmp_path, topology(4, 2)), frozenset({1, 5}))
    assert (facts.vcpus, facts.cores) == (2, 1)


def test_descriptive_facts_are_read(tmp_path: Path) -> None:
    """CPU model, NUMA nodes, governor and RAM come from their files."""
    write(
        tmp_path,
        {
            "proc/cpuinfo": "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz\n",
            "proc/meminfo": "MemTotal:       32576144 kB\nMemFree: 1 kB\n",
            "sys/devices/system/node/node0/cpulist": "0-15",
            "sys/devices/system/node/node1/cpulist": "16-31",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
        },
    )
    facts = read_facts(tmp_path, frozenset({0}))
    assert facts.cpu_model == "Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz"
    assert (facts.numa_nodes, facts.governor, facts.memory_bytes) == (2, "performance", 32576144 * 1024)


def test_an_empty_machine_has_unknown_facts(tmp_path: Path) -> None:
    """Where no file is, a fact is None, and nothing is raised."""
    facts = read_facts(tmp_path, frozenset({0, 1}))
    assert (facts.vcpus, facts.cores, facts.smt, facts.memory_bytes) == (2, 2, None, None)


def v2(limits: dict[str, str]) -> dict[str, str]:
    """A unified hierarchy with this process in /a/b."""
    return {
        "proc/meminfo": "MemTotal: 33554432 kB\n",
        "proc/self/cgroup": "0::/a/b\n",
        "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
        **{f"sys/fs/cgroup/{name}": text for name, text in limits.items()},
    }


def test_a_container_of_cgroup_2_is_the_machine(tmp_path: Path) -> None:
    """The tightest memory limit and CPU quota among the group and its ancestors count."""
    files = v2({"a/b/memory.max": "max\n", "a/memory.max": f"{4 * GIB}\n", "a/b/cpu.max": "150000 100000\n"})
    facts = read_facts(write(tmp_path, files), frozenset(range(8)))
    assert (facts.memory_bytes, facts.vcpus) == (4 * GIB, 2)


def test_a_container_of_cgroup_1_is_the_machine(tmp_path: Path) -> None:
    """Limits of version 1 stand in a mount for each controller."""
    write(
        tmp_path,
        {
            "proc/meminfo": "MemTotal: 33554432 kB\n",
            "proc/self/cgroup": "11:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n",
            "proc/self/mountinfo": "31 23 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            "32 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n",
            "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": f"{2 * GIB}\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us": "300000\n",
            "sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000\n",
        },
    )
    facts = read_facts(tmp_path, frozenset(range(8)))
    assert (facts.memory_bytes, facts.vcpus) == (2 * GIB, 3)


def test_a_cgroup_namespace_shows_its_limit_at_the_mount(tmp_path: Path) -> None:
    """Docker's private namespace: the path is /, the limit stands in the mount itself."""
    files = {**v2({"memory.max": f"{GIB}\n"}), "proc/self/cgroup": "0::/\n"}
    assert read_facts(write(tmp_path, files), frozenset({0})).memory_bytes == GIB


@given(
    ram=st.integers(1, 2**40),
    limits=st.lists(st.one_of(st.just("max"), st.integers(1, 2**50).map(str)), min_size=2, max_size=2),
)
def test_memory_is_the_least_of_ram_and_limits(
    tmp_path_factory: pytest.TempPathFactory, ram: int, limits: list[str]
) -> None:
    """Whatever the limits, the machine's memory is the least amount that is one."""
    root = tmp_path_factory.mktemp("root")
    files = v2({"a/memory.max": limits[0], "a/b/memory.max": limits[1]})
    write(root, {**files, "proc/meminfo": f"MemTotal: {ram} kB\n"})
    least = min([ram * 1024, *(int(text) for text in limits if text != "max")])
    assert read_facts(root, frozenset({0})).memory_bytes == least


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_garbage_is_never_an_error(
    tmp_path_factory: pytest.TempPathFactory, meminfo: str, cgroup: str, mounts: str
) -> None:
    """Any text in those files leaves facts unknown or known, never raises."""
    root = tmp_path_factory.mktemp("root")
    for name, text in {"meminfo": meminfo, "self/cgroup": cgroup, "self/mountinfo": mounts}.items():
        path = root / "proc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert read_facts(root, frozenset({0})).vcpus == 1


@pytest.mark.skipif(platform.system() != "Linux", reason="reads Linux's /proc")
def test_this_machine_has_facts() -> None:
    """The real files of this machine are understood."""
    facts = read_facts()
    assert facts.vcpus >= facts.cores >= 1
    assert facts.memory_bytes
    assert facts.memory_bytes > 2**27

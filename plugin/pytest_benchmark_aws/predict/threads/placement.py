"""Where threads run: on how many cores, second threads of cores, and sockets of a machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topology:
    """A machine's CPUs."""

    sockets: int
    cores_per_socket: int
    threads_per_core: int

    @property
    def cores(self) -> int:
        """Physical cores of all sockets."""
        return self.sockets * self.cores_per_socket

    @property
    def vcpus(self) -> int:
        """Threads of all cores."""
        return self.cores * self.threads_per_core


@dataclass(frozen=True, slots=True)
class Placement:
    """Threads that are pinned to cores."""

    threads: int
    cores: int
    sockets: int

    def __post_init__(self) -> None:
        if not 1 <= self.sockets <= self.cores <= self.threads:
            raise ValueError(f"{self}: each socket has a core that is used, and each such core a thread")

    @property
    def second_threads(self) -> int:
        """Threads beyond the first of a core."""
        return self.threads - self.cores

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        return (
            threads
            + (f" on {cores}" if self.second_threads else "")
            + (f" of {self.sockets} sockets" if self.sockets > 1 else "")
        )


def place(threads: int, topology: Topology) -> Placement:
    """The cores of the first socket, then those of the others, then second threads: as Linux numbers CPUs on EC2.

    Raises:
        ValueError: the machine has fewer vCPUs, or the number is not positive.
    """
    if not 1 <= threads <= topology.vcpus:
        raise ValueError(f"{threads} threads on a machine of {topology.vcpus} vCPUs: give 1 to {topology.vcpus}")
    cores = min(threads, topology.cores)
    return Placement(threads, cores, -(-cores // topology.cores_per_socket))


def placements(topology: Topology) -> list[Placement]:
    """What is worth a try: 1, 2, 4 and so on, a socket's cores without and with second threads, all cores, all."""
    socket = topology.cores_per_socket
    counts = {2**power for power in range(topology.cores.bit_length())} | {socket, topology.cores, topology.vcpus}
    each = {place(count, topology) for count in counts if count <= topology.vcpus}
    each.add(Placement(socket * topology.threads_per_core, socket, 1))
    return sorted(each, key=lambda placement: (placement.threads, -placement.cores, placement.sockets))

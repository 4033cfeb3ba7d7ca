"""Whether a case fits a machine, and if not, why."""

from __future__ import annotations

from pytest_benchmark_aws.core.model import Machine, Requirements
from pytest_benchmark_aws.core.values.units import format_memory


def misfits(requirements: Requirements, machine: Machine) -> tuple[str, ...]:
    """The reasons, with the numbers, why the machine cannot hold the case; none means that it fits.

    What is not known of a machine is no reason against it.
    """
    reasons = []
    need, have = requirements.memory_bytes, machine.memory_bytes
    if need is not None and have is not None and need > have:
        reasons.append(f"needs ≈ {format_memory(need)} of memory, {machine.name} has {format_memory(have)}")
    elif need is not None and machine.usable_bytes is not None and need > machine.usable_bytes:
        usable = format_memory(machine.usable_bytes)
        reasons.append(
            f"needs ≈ {format_memory(need)} of memory, {machine.name} has {format_memory(have or 0)}, of which its "
            f"kernel shows about {usable}"
        )
    if requirements.vcpus is not None and machine.vcpus is not None and requirements.vcpus > machine.vcpus:
        reasons.append(f"needs {requirements.vcpus} vCPUs, {machine.name} has {machine.vcpus}")
    if requirements.arch is not None and machine.arches and requirements.arch not in machine.arches:
        reasons.append(f"needs {requirements.arch}, {machine.name} is {' and '.join(machine.arches)}")
    if requirements.gpu is not None and machine.gpus is not None and requirements.gpu > machine.gpus:
        reasons.append(f"needs {requirements.gpu} GPU, {machine.name} has {machine.gpus}")
    return tuple(reasons)

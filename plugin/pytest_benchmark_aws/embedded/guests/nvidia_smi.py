"""A made-up ``nvidia-smi`` of a simulated instance with GPUs: no GPU is there, and its names say ``embedded``.

Run by path inside a guest: ``python -I -S nvidia_smi.py READY_AT COUNT NAME MEMORY_MIB [ARGUMENT...]``; standard
library only. It knows ``-L``, ``--query-gpu=... --format=csv,...`` and no argument, as nvidia-smi(1) describes them.
"""

from __future__ import annotations

import sys
import time

DRIVER, CUDA = "595.71.05", "13.2"
"""Of the Deep Learning AMI (its release notes of 2026-09-01)."""
MEMORY_MIB = {
    "A100": 40_960, "A10G": 23_028, "B200": 183_359, "B300": 275_040, "H100": 81_559, "H200": 143_771, "L4": 23_034,
    "L40S": 46_068, "RTX PRO 4500": 32_607, "RTX PRO Server 6000": 97_887, "T4": 15_360, "T4g": 15_360,
}  # fmt: skip
"""GPU, as the catalog names it -> about what its driver shows; made up where nothing is published."""
NOT_READY = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA "
    "driver is installed and running.\n"
)
"""Its own words, with exit code 9 (amazon-ecs-ami #277; nvidia-smi(1), "Return value")."""


def main(arguments: list[str]) -> int:
    """Answers as the command does; returns its exit status."""
    ready_at, count, name, memory, *rest = arguments
    if time.time() < float(ready_at):
        sys.stdout.write(NOT_READY)
        return 9
    name = f"NVIDIA {name} (embedded)"
    fields = {"name": name, "memory.total": f"{memory} MiB", "driver_version": DRIVER, "count": count}
    query = next((word.partition("=")[2] for word in rest if word.startswith("--query-gpu=")), None)
    if query is not None:
        units = not any("nounits" in word for word in rest)
        cells = [fields.get(field.strip(), "[N/A]") for field in query.split(",")]
        line = ", ".join(cell if units else cell.removesuffix(" MiB") for cell in cells)
        sys.stdout.write(f"{line}\n" * int(count))
    elif rest == ["-L"]:
        lines = [f"GPU {number}: {name} (UUID: GPU-embedded-{number})\n" for number in range(int(count))]
        sys.stdout.write("".join(lines))
    elif not rest:
        sys.stdout.write(f"| NVIDIA-SMI {DRIVER}   Driver Version: {DRIVER}   CUDA Version: {CUDA} |\n")
    else:
        sys.stderr.write(f"nvidia-smi: embedded AWS does not know {' '.join(rest)}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

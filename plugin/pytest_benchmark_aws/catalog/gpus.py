"""The GPUs of instance types, with their memory, of the retired types too."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Gpus:
    """What an instance type has."""

    name: str
    count: int
    """0: a part of one."""
    memory_mib: int
    """Of each, as DescribeInstanceTypes says it: 22,888 of an L4, which is sold as one of 24 GB."""

    @property
    def total_mib(self) -> int:
        """The memory of all of them."""
        return self.memory_mib * max(self.count, 1)

    def __str__(self) -> str:
        """As in ``1 x V100, 16 GiB``; the memory is each one's."""
        each = " each" if self.count > 1 else ""
        number = f"{self.count} x" if self.count else "a part of"
        return f"{number} {self.name}, {self.memory_mib // 1024} GiB{each}"


@lru_cache(maxsize=1)
def by_type() -> Mapping[str, Gpus]:
    """Instance type -> its GPUs, read once for each process; each row of the file says where it is from."""
    text = (Path(__file__).parent / "data" / "gpu-memory.csv").read_text(encoding="utf-8")
    return {
        row["instance_type"]: Gpus(row["gpu"], int(row["gpus"]), int(row["gpu_memory_mib"]))
        for row in csv.DictReader(text.splitlines())
    }


def of(instance_type: str) -> Gpus | None:
    """The GPUs of an instance type, SageMaker's prefix aside; None where it has none."""
    return by_type().get(instance_type.removeprefix(SAGEMAKER_PREFIX))

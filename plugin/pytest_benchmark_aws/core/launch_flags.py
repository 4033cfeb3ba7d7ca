"""The flags of a launch whose timings may not be worth comparing: CPU time taken, a canary that drifts, another SMT."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

STEAL = 0.01
"""Share of CPU time that the hypervisor may give to others before the row is flagged."""
DRIFT = 0.03
"""Relative change of the canary, a fixed piece of work before and after the tests, before the row is flagged."""
_NOISE = ("steal", "canary")
"""How the flags begin that tell of an unsteady machine."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def flags(facts: Mapping[str, float]) -> tuple[str, ...]:
    """The reasons to doubt a launch, with the numbers; facts that are not there are no reason.

    ``facts`` holds ``steal`` (0 to 1) and ``canary_before_s``, ``canary_after_s`` (seconds), if anything.
    """
    reasons = []
    steal = facts.get("steal")
    if steal is not None and steal > STEAL:
        reasons.append(f"steal {steal:.1%}")
    before, after = facts.get("canary_before_s"), facts.get("canary_after_s")
    if before and after and abs(after / before - 1) > DRIFT:
        reasons.append(f"canary {after / before - 1:+.1%}")
    return tuple(reasons)


def over_launches(flags_of: Sequence[Sequence[str]]) -> list[str]:
    """The reasons to doubt several launches, from each one's: noise once, with how often and the worst of it."""
    each = sorted({flag for launch in flags_of for flag in launch})
    noise = [flag for flag in each if flag.startswith(_NOISE)]
    others = [flag for flag in each if not flag.startswith(_NOISE)]
    if not noise:
        return others
    worst = max(noise, key=_size)
    noisy = sum(any(flag.startswith(_NOISE) for flag in launch) for launch in flags_of)
    total = len(flags_of)
    return [f"noisy: {worst if total == 1 else f'{noisy} of {total} launches, the most {worst}'}", *others]


def _size(flag: str) -> float:
    """Of the number in ``canary -15.3%``."""
    match = _NUMBER.search(flag)
    return abs(float(match[0])) if match else 0.0


def smt_differs(threads_per_core: int | None, reference: int | None, of: str = "baseline") -> str | None:
    """That a machine runs another number of threads on a core than the one it is compared with, with both numbers.

    vCPUs of the one are then not those of the other: a vCPU is a thread, and two threads of a core share it (EC2 user
    guide, CPU options). None where the two are equal or one is not known.
    """
    if threads_per_core is None or reference is None or threads_per_core == reference:
        return None
    threads = "1 thread" if threads_per_core == 1 else f"{threads_per_core} threads"
    return f"SMT differs: {threads} a core, {of} {reference}"

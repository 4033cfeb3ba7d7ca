"""What the user asked of the plugin, as one frozen value, and how it is read from the texts of the options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.model import Market
from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.core.values.durations import parse_duration

SearchGoal = Literal["cheapest", "fastest", "front"]
_LONGEST_S = 167 * 3600
"""The longest time limit: with the longest grace it is within the 604,800 s that a presigned URL is valid."""
_Value = TypeVar("_Value")
_FLAGS = ("spot_fallback", "allow_burstable", "detach", "show_bundle")
_TEXTS = (
    "region", "profile", "scheduler_role", "ami", "security_group", "bucket", "instance_profile", "resume",
    "sagemaker_image", "sagemaker_role", "throughput", "scale_parameter",
)  # fmt: skip
"""Settings whose text is their value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a session, each checked; ``None`` where one was not given and has no default."""

    target: Literal["auto", "cloud", "embedded"]
    dry_run: bool
    instance_types: tuple[str, ...]
    market: Market | None
    spot_fallback: bool
    region: str | None
    profile: str | None
    max_cost_usd: Decimal
    max_parallel: int
    time_limit_s: int
    launches: int
    misfit: Literal["fail", "skip"]
    allow_burstable: bool
    scheduler_role: str | None
    prices: dict[str, Decimal]
    ami: str | None
    subnets: tuple[str, ...]
    security_group: str | None
    bucket: str | None
    instance_profile: str | None
    sagemaker_role: str | None
    sagemaker_image: str | None
    requirements: Path | None
    only_requirements: Path | None
    ship_secrets: tuple[str, ...]
    resume: str | None
    detach: bool
    show_bundle: bool
    baselines: Path | None
    throughput: str | None
    scale_parameter: str | None
    tags: tuple[tuple[str, str], ...]
    disk_gib: int | None
    regions: tuple[str, ...]
    """Of benchmarks of managed services; none: the session's."""
    service_rounds: int
    """Requests of each of them that are timed."""
    search: SearchGoal | None
    search_launches: int
    search_regret: float
    """A share: 0.05 ends a search where nothing may be better by more than 5 %."""
    environment: dict[str, str | None] = field(repr=False)
    """Variables of the tests on an instance; None: the value that it has here."""
    services_usd: Decimal = Decimal(0)
    """The most that the session's benchmarks of managed services may cost, where it is taken off ``max_cost_usd``."""


def parse_settings(values: Mapping[str, Any], root: Path) -> Settings:
    """The settings from the values of the options, each by its name without ``--aws-``.

    Args:
        values: a text, several, or whether a flag is set; None where the option has no value.
        root: what a relative path is relative to.

    Raises:
        PlanError: a value that is none of its kind.
    """

    def several(name: str) -> tuple[str, ...]:
        return tuple(values[name] or ())

    def path(name: str) -> Path | None:
        return None if values[name] is None else root / Path(values[name]).expanduser()

    def parsed(name: str, parse: Callable[[str], _Value], default: _Value) -> _Value:
        return default if values[name] is None else _parsed(name, values[name], parse)

    if values["requirements"] is not None and values["only-requirements"] is not None:
        raise PlanError("--aws-requirements and --aws-only-requirements: choose one, the second adds to nothing")
    _roles(values)
    _image(values)
    unparsed: dict[str, Any] = {name: values[name.replace("_", "-")] for name in _TEXTS}
    unparsed |= {name: bool(values[name.replace("_", "-")]) for name in _FLAGS}
    return Settings(
        target=_choice("target", values, ("auto", "cloud", "embedded")) or "auto",
        dry_run=bool(values["dry-run"] or values["show-bundle"]),
        instance_types=several("instance-type"),
        market=_choice("market", values, ("on-demand", "spot")),
        max_cost_usd=parsed("max-cost", _money, Decimal(10)),
        max_parallel=parsed("max-parallel", _count, 8),
        time_limit_s=parsed("time-limit", _limit, 3600),
        launches=parsed("launches", _count, 1),
        misfit=_choice("misfit", values, ("fail", "skip")) or "fail",
        prices=dict(_parsed("price", price, parse_price) for price in several("price")),
        subnets=several("subnet"),
        ship_secrets=several("ship-secret"),
        requirements=path("requirements"),
        only_requirements=path("only-requirements"),
        environment=dict(map(_variable, several("env"))),
        baselines=path("baselines"),
        tags=tuple(_parsed("tag", tag, _tag) for tag in several("tag")),
        disk_gib=parsed("disk", _disk, None),
        regions=parsed("regions", _regions, ()),
        service_rounds=parsed("service-rounds", _count, 20),
        search=_search(values),
        search_launches=parsed("search-launches", _count, 8),
        search_regret=parsed("search-regret", _share, 0.05),
        **unparsed,
    )


def _image(values: Mapping[str, Any]) -> None:
    image = values["sagemaker-image"]
    if image is not None and not re.fullmatch(r"[a-z0-9][\w.:/@-]{0,254}", image, re.ASCII):
        raise PlanError(
            f"--aws-sagemaker-image={image}: give a container's URI, as in "
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/name:tag"
        )


def _roles(values: Mapping[str, Any]) -> None:
    for option, example in (("scheduler-role", "ends-instances"), ("sagemaker-role", "runs-benchmarks")):
        role = values[option]
        if role is not None and not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", role):
            raise PlanError(
                f"--aws-{option}={role}: give the role's ARN, as in arn:aws:iam::123456789012:role/{example}"
            )


def _search(values: Mapping[str, Any]) -> SearchGoal | None:
    goal: SearchGoal | None = _choice("search", values, ("cheapest", "fastest", "front"))
    if goal is not None and values["detach"]:
        raise PlanError("--aws-search and --aws-detach: a search chooses by results, so it has to wait for them")
    if goal is not None and values["launches"] is not None:
        raise PlanError(
            "--aws-search and --aws-launches: a search launches each instance type once; give --aws-search-launches, "
            "and measure the answer again with --aws-instance-type and --aws-launches"
        )
    return goal


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%").strip()) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("give a percentage from 0 to 100, as in 5 or 2.5%")
    return share


def _choice(name: str, values: Mapping[str, Any], allowed: tuple[str, ...]) -> Any:
    if values[name] is not None and values[name] not in allowed:
        raise PlanError(f"--aws-{name}={values[name]}: choose one of {', '.join(allowed)}")
    return values[name]


def _parsed(name: str, text: str, parse: Callable[[str], _Value]) -> _Value:
    try:
        return parse(text)
    except ValueError as error:
        raise PlanError(f"--aws-{name}={text}: {error}") from error


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise ValueError("give a whole number from 1 to 1000")
    return int(text)


def _regions(text: str) -> tuple[str, ...]:
    regions = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    wrong = [region for region in regions if not re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d{1,2}", region)]
    if wrong or not regions:
        raise ValueError("give names of regions with commas between, as in us-east-1,eu-west-1")
    return regions


def _tag(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not 1 <= len(key) <= 128 or len(value) > 256:
        raise ValueError(
            "give KEY=VALUE, as in cost-center=1234, with a key of 128 and a value of 256 characters at most"
        )
    if key.lower().startswith(("aws:", "pytest-benchmark-aws")) or key in {"Name", "managed-by"}:
        raise ValueError(f"{key} is AWS's or this plugin's own")
    return key, value


def _disk(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 16_384:
        raise ValueError("give a whole number of GiB from 1 to 16384")
    return int(text)


def _money(text: str) -> Decimal:
    amount = json_fields.usd(text.removesuffix("USD").strip())
    if amount is None:
        raise ValueError("give an amount of USD, as in 2.50")
    return amount


def _limit(text: str) -> int:
    seconds = parse_duration(text)
    if not 10 <= seconds <= _LONGEST_S:
        raise ValueError(
            "give ten seconds to 167 hours, as in 90m or 2h: what an instance uploads by ends after 7 days"
        )
    return seconds


def _variable(text: str) -> tuple[str, str | None]:
    name, sign, value = text.partition("=")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):  # the text is not shown: it may hold a secret
        raise PlanError("--aws-env: give NAME or NAME=VALUE, the name of letters, digits and underscores")
    if name == "PYTEST_ADDOPTS" or name.startswith("PYTEST_BENCHMARK_AWS_"):
        raise PlanError(f"--aws-env={name}: what this session reads of it is passed on by itself; leave it out")
    return name, value if sign else None


def parse_price(text: str) -> tuple[str, Decimal]:
    """Instance type and USD an hour of ``TYPE=USD``.

    Raises:
        ValueError: it is none, with what to give.
    """
    name, sign, amount = text.partition("=")
    if not sign or not name.strip():
        raise ValueError("give an instance type and USD an hour, as in m5.8xlarge=1.536")
    price = _money(amount)
    if not price:  # which would void --aws-max-cost
        raise ValueError("give a price above 0, as in m5.8xlarge=1.536")
    return name.strip(), price

"""The plugin's options, their ini twins and its markers, and how a session's Settings are read."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from pytest_benchmark_aws.core.settings import Settings

Kind = Literal["text", "flag", "list"]

_OPTIONS: tuple[tuple[str, Kind, str, str], ...] = (
    (
        "",
        "flag",
        "",
        "Run the benchmarks that name instance types on these instance types, and bring their results home.",
    ),
    (
        "target",
        "text",
        "auto|cloud|embedded",
        "Where: your AWS account, or embedded AWS, which runs here and whose times are this machine's. auto, the "
        "default, means the account, or embedded AWS where no credentials are found.",
    ),
    ("dry-run", "flag", "", "Print what --aws would launch and what it can cost at most; launch nothing."),
    (
        "instance-type",
        "list",
        "TYPE|FILTER",
        "Instance type to run on in place of the marked ones, for every benchmark; repeatable. Also a filter such as "
        "'vcpus>=32 and memory>=96GiB and price<2'.",
    ),
    ("market", "text", "on-demand|spot", "Market to launch in, in place of the marked one. Default: on-demand."),
    (
        "spot-fallback",
        "flag",
        "",
        "Launch on demand what AWS takes back three times, or has no capacity for, on the spot market.",
    ),
    ("region", "text", "REGION", "AWS region. Default: AWS_REGION, AWS_DEFAULT_REGION or the profile's."),
    ("profile", "text", "NAME", "Profile of AWS credentials. Default: AWS_PROFILE, as in every AWS tool."),
    ("max-cost", "text", "USD", "Refuse a run that could cost more than this. Default: 10 USD."),
    ("max-parallel", "text", "N", "Instances alive at once, at most. Default: 8."),
    (
        "time-limit",
        "text",
        "TIME",
        "An instance powers itself off after this, as in 90m or 1h30m; what was measured by then is kept. Default: 1h.",
    ),
    ("launches", "text", "N", "Instances of each type: launches, not rounds, are what makes a difference certain."),
    (
        "misfit",
        "text",
        "fail|skip",
        "What to do with a benchmark on an instance type that cannot hold it. Default: fail, before anything is made.",
    ),
    (
        "allow-burstable",
        "flag",
        "",
        "Plan burstable types (t2, t3, t3a, t4g) too, whose speed varies with CPU credits.",
    ),
    (
        "scheduler-role",
        "text",
        "ARN",
        "Role that lets EventBridge Scheduler end an instance: a schedule is armed for each launch's deadline, and "
        "removed when the instance has ended. Default: none.",
    ),
    ("price", "list", "TYPE=USD", "Price of an hour where it is not known, or is another for you; repeatable."),
    ("ami", "text", "AMI", "Machine image. Default: the newest Amazon Linux 2023 of the instance type's architecture."),
    ("subnet", "list", "SUBNET", "Subnet to launch in; repeatable, tried in order. Default: the default VPC's."),
    ("security-group", "text", "GROUP", "Security group. Default: one without ingress rules, made when missing."),
    (
        "bucket",
        "text",
        "BUCKET",
        "S3 bucket for bundles and results. Default: one of your account's, made when missing.",
    ),
    ("instance-profile", "text", "NAME", "Instance profile that the instances get. Default: none."),
    (
        "requirements",
        "text",
        "FILE",
        "What to install on an instance, as a requirements file. Default: what the project declares and the collected "
        "tests import, in the versions that are installed here.",
    ),
    (
        "resume",
        "text",
        "RUN",
        "Go on with a run that was cut off or detached: take over its instances, fetch what they have, launch "
        "the rest.",
    ),
    ("detach", "flag", "", "Launch everything and leave it; fetch the results later with --aws-resume RUN."),
    ("show-bundle", "flag", "", "With --aws-dry-run: list the files and the distributions that would be shipped."),
    (
        "baselines",
        "text",
        "DIR",
        "Folder of baselines, <DIR>/<instance type>/NNNN_name.json, that a run is compared with at its end, relative "
        "to the rootdir. Default: no comparison.",
    ),
    (
        "throughput",
        "text",
        "KEY",
        "Key of extra_info that holds a benchmark's throughput, in units of work a second; machines are compared by "
        "it. Default: runs a second, which compares equal amounts of work only.",
    ),
    (
        "scale-parameter",
        "text",
        "NAME",
        "Test parameter that only scales the amount of work: results that differ in it alone are compared by "
        "throughput, never in seconds.",
    ),
)
_MARKERS = (
    "instance_type(*types, market=None): the EC2 instance types that this benchmark is for, as in "
    "instance_type('m5.8xlarge', 'r5.4xlarge', market='spot'); market is 'on-demand' or 'spot'. "
    "Without --aws the test simply runs here.",
    "requires(memory=None, vcpus=None, arch=None, gpu=None): what a machine must have for this benchmark. memory is "
    "bytes, a text such as '96 GiB', or a function of the test's parameters, by name, that returns either; vcpus and "
    "gpu are numbers, arch is 'x86_64' or 'arm64'. On a machine that has less, the test is skipped before its "
    "fixtures are made.",
)
ONLY_COMMAND_LINE = ("", "dry-run", "show-bundle", "resume", "detach", "spot-fallback")
"""What asks for an act is never an ini value: a project's file alone must not spend money."""


def read_settings(config: pytest.Config) -> Settings:
    """The settings of a session: each from the command line where it is given there, else from the ini file.

    Raises:
        pytest.UsageError: a value that is none of its kind.
    """
    from pytest_benchmark_aws.core.settings import Settings

    def text(name: str) -> str | None:
        given = config.getoption(_dest(name))
        return str(given) if given is not None else (config.getini(_dest(name)) or None)

    def many(name: str) -> tuple[str, ...]:
        given = config.getoption(_dest(name))
        return tuple(given if given is not None else config.getini(_dest(name)) or ())

    def path(name: str) -> Path | None:
        given = text(name)
        return None if given is None else config.rootpath / Path(given).expanduser()

    return Settings(
        target=_one_of("target", text("target"), ("auto", "cloud", "embedded")) or "auto",
        dry_run=bool(config.getoption("aws_dry_run") or config.getoption("aws_show_bundle")),
        instance_types=many("instance-type"),
        market=_one_of("market", text("market"), ("on-demand", "spot")),
        spot_fallback=bool(config.getoption("aws_spot_fallback")),
        region=text("region"),
        profile=text("profile"),
        allow_burstable=bool(config.getoption("aws_allow_burstable") or config.getini("aws_allow_burstable")),
        scheduler_role=text("scheduler-role"),
        max_cost_usd=_parsed("max-cost", text("max-cost"), _money, Decimal(10)),
        max_parallel=_parsed("max-parallel", text("max-parallel"), _count, 8),
        time_limit_s=_parsed("time-limit", text("time-limit"), _limit, 3600),
        launches=_parsed("launches", text("launches"), _count, 1),
        misfit=_one_of("misfit", text("misfit"), ("fail", "skip")) or "fail",
        prices=dict(_parsed("price", given, _price, None) for given in many("price")),
        ami=text("ami"),
        subnets=many("subnet"),
        security_group=text("security-group"),
        bucket=text("bucket"),
        instance_profile=text("instance-profile"),
        requirements=path("requirements"),
        resume=config.getoption("aws_resume"),
        detach=bool(config.getoption("aws_detach")),
        show_bundle=bool(config.getoption("aws_show_bundle")),
        baselines=path("baselines"),
        throughput=text("throughput"),
        scale_parameter=text("scale-parameter"),
    )


def add_markers(config: pytest.Config) -> None:
    """Makes the markers known, with their help in ``pytest --markers``."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)


def add_options(parser: pytest.Parser) -> None:
    """Adds each option with its ini twin: ``--aws-baselines`` and ``aws_baselines``."""
    group = parser.getgroup("aws", "benchmarks on AWS")
    for name, kind, metavar, text in _OPTIONS:
        flag = f"--aws-{name}" if name else "--aws"
        extra: dict[str, Any] = {"metavar": metavar}
        if kind == "flag":
            extra = {"action": "store_true"}
        elif kind == "list":
            extra = {"metavar": metavar, "action": "append"}
        group.addoption(flag, dest=_dest(name), default=None, help=text, **extra)
        if name not in ONLY_COMMAND_LINE:
            ini_type: Literal["linelist", "string", "bool"] = "linelist" if kind == "list" else "string"
            if kind == "flag":
                ini_type = "bool"
            parser.addini(_dest(name), f"the same as {flag}", type=ini_type)


def _dest(name: str) -> str:
    return f"aws_{name.replace('-', '_')}".rstrip("_")


def _one_of(name: str, given: str | None, allowed: tuple[Any, ...]) -> Any:
    if given is not None and given not in allowed:
        raise _usage_error(f"--aws-{name}={given}: choose one of {', '.join(allowed)}")
    return given


def _parsed(name: str, given: str | None, parse: Callable[[str], Any], default: Any) -> Any:
    if given is None:
        return default
    try:
        return parse(given)
    except (ValueError, InvalidOperation) as error:
        raise _usage_error(f"--aws-{name}={given}: {error}") from error


def _usage_error(message: str) -> Exception:
    import pytest

    return pytest.UsageError(message)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise ValueError("give a whole number from 1 to 1000")
    return int(text)


def _money(text: str) -> Decimal:
    try:
        amount = Decimal(text.removesuffix("USD").strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ValueError("give an amount of USD, as in 2.50")
    return amount


def _limit(text: str) -> int:
    from pytest_benchmark_aws.core.values.durations import parse_duration

    seconds = parse_duration(text)
    if not 10 <= seconds <= 7 * 24 * 3600:
        raise ValueError("give ten seconds to seven days, as in 90m or 2h")
    return seconds


def _price(text: str) -> tuple[str, Decimal]:
    name, sign, amount = text.partition("=")
    if not sign or not name.strip():
        raise ValueError("give an instance type and USD an hour, as in m5.8xlarge=1.536")
    return name.strip(), _money(amount)

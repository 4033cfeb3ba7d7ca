"""The plugin's options, their ini twins and its markers; what their values mean is in ``core.settings``.

Every pytest session imports this module, so it imports nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pytest

    from pytest_benchmark_aws.core.settings import Settings

_OPTIONS = {
    "": "Run the benchmarks that name instance types on these instance types, and bring their results home.",
    "target=auto|cloud|embedded": "Where: your AWS account, or embedded AWS, which runs here and whose times are this "
    "machine's. auto, the default, means the account, or embedded AWS where no credentials are found.",
    "dry-run": "Print what --aws would launch and what it can cost at most; launch nothing.",
    "instance-type=TYPE|FILTER...": "Instance type to run on in place of the marked ones, for every benchmark; "
    "repeatable, also TYPE,TYPE. Also a filter such as 'vcpus>=32 and memory>=96GiB and price<2', which takes the "
    "current generation's types where it holds for any of them and names no family.",
    "market=on-demand|spot": "Market to launch in, in place of the marked one. Default: on-demand.",
    "spot-fallback": "Launch on demand what AWS takes back three times, or has no capacity for, on the spot market.",
    "region=REGION": "AWS region. Default: AWS_REGION, AWS_DEFAULT_REGION or the profile's.",
    "profile=NAME": "Profile of AWS credentials. Default: AWS_PROFILE, as in every AWS tool.",
    "max-cost=USD": "Refuse a run that could cost more than this. Default: 10 USD.",
    "max-parallel=N": "Instances alive at once, at most. Default: 8.",
    "time-limit=TIME": "An instance powers itself off after this, as in 90m or 1h30m; what was measured by then is "
    "kept. Default: 1h.",
    "launches=N": "Instances of each type: launches, not rounds, are what makes a difference certain.",
    "misfit=fail|skip": "What to do with a benchmark on an instance type that cannot hold it. Default: fail, before "
    "anything is made.",
    "allow-burstable": "Plan burstable types (t2, t3, t3a, t4g) too, whose speed varies with CPU credits.",
    "scheduler-role=ARN": "Role that lets EventBridge Scheduler end an instance: a schedule is armed for each "
    "launch's deadline, and removed when the instance has ended. Default: none.",
    "price=TYPE=USD...": "Price of an hour where it is not known, or is another for you; repeatable. Also of a managed "
    "service's unit, as in polly.neural=0.000016.",
    "ami=AMI": "Machine image. Default: the newest Amazon Linux 2023 of the instance type's architecture.",
    "subnet=SUBNET...": "Subnet to launch in; repeatable, tried in order. Default: the default VPC's.",
    "security-group=GROUP": "Security group. Default: one without ingress rules, made when missing.",
    "bucket=BUCKET": "S3 bucket for bundles and results. Default: one of your account's, made when missing.",
    "tag=KEY=VALUE...": "Tag of instances, disks, training jobs and the security group, as governed accounts ask for; "
    "repeatable.",
    "disk=GIB": "Size of the root disk, or of a training job's volume. Default: 30, or the image's where that is more.",
    "instance-profile=NAME": "Instance profile that the instances get. Default: none.",
    "sagemaker-role=ARN": "Execution role of training jobs, which types such as ml.m5.xlarge are. Needed for these, "
    "but on embedded AWS.",
    "sagemaker-image=URI": "Container of training jobs. Default: AWS's deep learning container for this session's "
    "Python.",
    "requirements=FILE": "What to install on an instance beside what the project declares and the collected tests "
    "import, as a requirements file, read by pip.",
    "only-requirements=FILE": "What to install on an instance in place of that: nothing but pytest is added.",
    "env=NAME[=VALUE]...": "Environment variable of the tests on an instance, with its value here or this one; "
    "repeatable. Values are shown nowhere.",
    "ship-secret=FILE...": "Ship a file of the project though it looks like a secret, by its path from the rootdir or "
    "a pattern such as 'tests/certs/*'; repeatable.",
    "resume=RUN": "Go on with a run that was cut off or detached: take over its instances, fetch what they have, "
    "launch the rest.",
    "search=cheapest|fastest|front": "Look for the best instance type: launch a few, predict all from their results, "
    "launch what may be better, and stop when nothing is likely to be. Among the marked types or those of "
    "--aws-instance-type; by default among all that fit.",
    "search-launches=N": "Launches of a search, at most. Default: 8.",
    "search-regret=PERCENT": "A search ends when no type has a real chance to be better by more than this. Default: 5.",
    "detach": "Launch everything and leave it; fetch the results later with --aws-resume RUN.",
    "show-bundle": "With --aws-dry-run: list the files and the distributions that would be shipped.",
    "baselines=DIR": "Folder of baselines, <DIR>/<instance type>/NNNN_name.json, that a run is compared with at its "
    "end, relative to the rootdir. Default: no comparison.",
    "throughput=KEY": "Key of extra_info that holds a benchmark's throughput, in units of work a second; machines are "
    "compared by it. Default: runs a second, which compares equal amounts of work only.",
    "regions=REGION,REGION": "Regions that each benchmark of a managed service runs in, a case for each. Default: the "
    "session's region alone.",
    "service-rounds=N": "Requests of each benchmark of a managed service, after one that is not timed. Default: 20.",
    "scale-parameter=NAME": "Test parameter that only scales the amount of work: results that differ in it alone are "
    "compared by throughput, never in seconds.",
}
"""``name``: a flag; ``name=METAVAR``: an option with a text; with ``...`` behind it, one that may be repeated."""
_MARKERS = (
    "instance_type(*types, market=None): the EC2 instance types, or with 'ml.' SageMaker's, that this benchmark is "
    "for, as in instance_type('m5.8xlarge', 'ml.m6i.8xlarge', market='spot'); market is 'on-demand' or 'spot'. "
    "Without --aws the test simply runs here.",
    "requires(memory=None, vcpus=None, arch=None, gpu=None): what a machine must have for this benchmark. memory is "
    "bytes, a text such as '96 GiB', or a function of the test's parameters, by name, that returns either; vcpus and "
    "gpu are numbers, arch is 'x86_64' or 'arm64'. On a machine that has less, the test is skipped before its "
    "fixtures are made.",
    "aws_service(service, price=None, units=None, rounds=None, usd=None): a benchmark of a managed service that the "
    "fixture aws_service gives, such as aws_service('polly', price='polly.neural', units=120): price is a key of the "
    "table of prices, units what one request is billed for (1 where that is a page, an image or a request), rounds "
    "how many are timed at most; of a service that the table has not, usd is what one unit costs. With --aws it asks "
    "your account, where one without a price is skipped, without --aws embedded AWS.",
)
ONLY_COMMAND_LINE = ("", "dry-run", "show-bundle", "resume", "detach", "spot-fallback")
"""What asks for an act is never an ini value: a project's file alone must not spend money."""


def read_settings(config: pytest.Config) -> Settings:
    """The settings of a session: each from the command line where it is given there, else from the ini file.

    Raises:
        pytest.UsageError: a value that is none of its kind.
    """
    import pytest

    from pytest_benchmark_aws.core.errors import PlanError
    from pytest_benchmark_aws.core.settings import parse_settings

    values = {}
    for usage in _OPTIONS:
        name, metavar = _parted(usage)
        value = config.getoption(_dest(name))
        if value is None and name not in ONLY_COMMAND_LINE:
            value = config.getini(_dest(name)) or None
        is_text = metavar and not usage.endswith("...")
        values[name] = str(value) if is_text and value is not None else value
    try:
        return parse_settings(values, config.rootpath)
    except PlanError as error:
        raise pytest.UsageError(str(error)) from error


def add_markers(config: pytest.Config) -> None:
    """Makes the markers known, with their help in ``pytest --markers``."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)


def add_options(parser: pytest.Parser) -> None:
    """Adds each option with its ini twin: ``--aws-baselines`` and ``aws_baselines``."""
    group = parser.getgroup("aws", "benchmarks on AWS")
    for usage, text in _OPTIONS.items():
        name, metavar = _parted(usage)
        flag = f"--aws-{name}" if name else "--aws"
        extra: dict[str, Any] = {"metavar": metavar} if metavar else {"action": "store_true"}
        ini_type: Literal["linelist", "string", "bool"] = "string" if metavar else "bool"
        if usage.endswith("..."):
            extra["action"], ini_type = "append", "linelist"
        group.addoption(flag, dest=_dest(name), default=None, help=text, **extra)
        if name not in ONLY_COMMAND_LINE:
            parser.addini(_dest(name), f"the same as {flag}", type=ini_type)


def _parted(usage: str) -> tuple[str, str]:
    """``env=NAME[=VALUE]...`` -> ``env``, ``NAME[=VALUE]``."""
    name, _, metavar = usage.removesuffix("...").partition("=")
    return name, metavar


def _dest(name: str) -> str:
    return f"aws_{name.replace('-', '_')}".rstrip("_")

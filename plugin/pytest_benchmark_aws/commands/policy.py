"""``pytest-benchmark-aws policy``: the least IAM policy of a run, what it launches, managed services or a storage."""

from __future__ import annotations

import argparse
import json
import sys


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser(
        "policy", help="print the least IAM policy that a run, benchmarks of managed services, or a shared storage need"
    )
    kinds = ("client", "instance", "sagemaker-role", "scheduler", "services", "storage")
    parser.add_argument("kind", choices=kinds, type=_kind)
    parser.add_argument("--account", default="123456789012", help="account id (12 digits)")
    parser.add_argument("--region", default="us-east-1", help="also decides the partition: aws, aws-cn, aws-us-gov")
    parser.add_argument(
        "--bucket", help="default: the bucket that is made for the account and region; storage has no default"
    )
    parser.add_argument("--prefix", default="", help="storage: the part of the bucket, as in s3://bucket/prefix")
    parser.add_argument("--read-only", action="store_true", help="storage: compare, and add nothing")
    parser.add_argument("--role", help="client: the role of --aws-instance-profile, so that it may be passed")
    parser.add_argument("--scheduler-role", help="client: the role of --aws-scheduler-role, likewise")
    parser.add_argument(
        "--with",
        dest="also",
        action="append",
        choices=("groups", "sagemaker"),
        default=[],
        help="client: also training jobs (ml. types); client, instance, sagemaker-role: groups of machines (count)",
    )
    parser.add_argument(
        "--sagemaker-role", help="client --with sagemaker: the role of --aws-sagemaker-role, by its name"
    )
    parser.add_argument(
        "--only", metavar="SERVICE,SERVICE", help="services: the managed services that are benchmarked; default: all"
    )
    parser.set_defaults(run=run)


def _kind(word: str) -> str:
    """The word, where it is no instance type and no service that AWS has withdrawn: no policy reaches these."""
    from pytest_benchmark_aws.catalog import lifecycle, snapshot
    from pytest_benchmark_aws.catalog.replacements import why_gone

    if "." in word and lifecycle.family(word) is not None:
        raise argparse.ArgumentTypeError(why_gone(word, snapshot.catalog()))
    entry = lifecycle.named(word)
    if entry is not None and not entry.live:
        raise argparse.ArgumentTypeError(entry.sentence)
    return word


def run(options: argparse.Namespace) -> int:
    """Prints the policy as JSON; 0, or 2 for wrong usage."""
    from pytest_benchmark_aws.aws.iam import policies
    from pytest_benchmark_aws.aws.services import policies as service_policies

    bucket = options.bucket or f"pytest-benchmark-aws-{options.account}-{options.region}"
    partition = policies.partition_of(options.region)
    try:
        if options.kind == "client":
            training_role = options.sagemaker_role
            if "sagemaker" in options.also and not training_role:
                raise ValueError(
                    "--with sagemaker needs --sagemaker-role, the name of the role that training jobs run as: it has "
                    "to be passed to SageMaker"
                )
            policy = policies.client_policy(
                options.account,
                options.region,
                bucket,
                options.role,
                scheduler_role=options.scheduler_role,
                sagemaker_role=training_role,
                groups="groups" in options.also,
            )
        elif options.kind == "sagemaker-role":
            policy = policies.sagemaker_role_policy(
                options.account, options.region, bucket, groups="groups" in options.also
            )
        elif options.kind == "scheduler":
            policy = policies.scheduler_policy(options.account, options.region)
        elif options.kind == "services":
            only = None if options.only is None else [word.strip() for word in options.only.split(",") if word.strip()]
            policy = service_policies.services_policy(options.account, options.region, only, options.bucket)
        elif options.kind == "storage":
            if not options.bucket:
                raise ValueError("storage needs --bucket, the one that you made for results")
            policy = policies.storage_policy(
                bucket, options.prefix.strip("/"), partition=partition, read_only=options.read_only
            )
        else:
            policy = policies.instance_policy(bucket, partition=partition, groups="groups" in options.also)
    except ValueError as error:
        print(f"pytest-benchmark-aws policy: {error}", file=sys.stderr)
        return 2
    print(json.dumps(policy, indent=2))
    return 0

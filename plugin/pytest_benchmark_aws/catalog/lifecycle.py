"""What AWS has ended or closed, since when, by what source, and what replaces it; and what of the same lives on.

A date that no source confirms is none: general knowledge is no source.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX, family_of

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.catalog import Catalog

State = Literal["live", "closed to new customers", "ended", "retired"]
"""``closed``: who used it before may go on. ``ended`` is said of services, ``retired`` of instance types."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A service, a part of one, or a family of instance types."""

    name: str
    state: State
    source: str
    date: str | None = None
    """The day that the state began (ISO 8601); None: it lives, or no source confirms a day."""
    at_latest: bool = False
    """It began by that day; which day before is not known."""
    instead: str = ""
    """What AWS names in its place."""
    note: str = ""
    """What else is to be known of the date or the state."""
    families: tuple[str, ...] = ()
    """Of instance types, without SageMaker's prefix."""
    also: tuple[str, ...] = ()
    """Other names of it, as people type them; lower case."""

    @property
    def live(self) -> bool:
        """Whether anybody may begin to use it."""
        return self.state == "live"

    @property
    def since(self) -> str:
        """``since 2025-12-20``, as a sentence has it; empty where it lives."""
        if self.live:
            return ""
        if self.date is None:
            return "since a day that is not confirmed"
        return f"since {self.date}" + (" at the latest" if self.at_latest else "")

    @property
    def sentence(self) -> str:
        """What has become of it, and what AWS names in its place."""
        become = f"has been {self.state} {self.since}"
        if self.state == "ended":
            day = f"{'by' if self.at_latest else 'on'} {self.date}" if self.date else "on a day that is not confirmed"
            become = f"ended {day}"
        note = f" ({self.note})" if self.note else ""
        return f"{self.name} {become}{note}" + (f": use {self.instead} instead" if self.instead else "")

    def covers(self, word: str) -> bool:
        """Whether a word names it: its name, with or without AWS's or Amazon's, or another of its names."""
        names = {_squeezed(name) for name in (self.name, *self.also, *self.families)}
        squeezed = _squeezed(word)
        return squeezed in names or (_bare(squeezed) != "" and _bare(squeezed) in map(_bare, names))


def _squeezed(name: str) -> str:
    """``deepracer`` of ``Deep-Racer``."""
    return "".join(char for char in name.lower() if char.isalnum())


def _bare(name: str) -> str:
    """A squeezed name without what most of AWS's names begin with."""
    for prefix in ("amazon", "aws", "ec2", "sagemaker"):
        name = name.removeprefix(prefix)
    return name


FAMILIES = (
    Lifecycle(
        "EC2 P3",
        "retired",
        # "Please migrate to newer generation EC2 G or P instances by December 20, 2025", AWS's notice as quoted there.
        # DescribeInstanceTypes had p3.* until 2026-04-25 and not on 2026-05-25 (gpuhunt #233; karpenter-provider-aws,
        # generated instance-types.md, v1.12.0 and v1.13.0).
        "kubernetes-on-aws #8685, gpuhunt #233",
        date="2025-12-20",
        instead="newer G or P types",
        families=("p3",),
    ),
    Lifecycle(
        "EC2 P3dn",
        "retired",
        # The notice is of P3. EC2 described p3dn.24xlarge still on 2026-08-21 (karpenter-provider-aws, generated
        # instance-types.md), the release notes of the Deep Learning AMI list no P3 of either kind.
        "kubernetes-on-aws #8685",
        date="2025-12-20",
        instead="newer G or P types",
        note="by the notice of P3; EC2's API still described it on 2026-08-21",
        families=("p3dn",),
    ),
    Lifecycle(
        "EC2 P2",
        "retired",
        # The retirement was announced by 2024-05-28 (deep-learning-containers #3950). DescribeInstanceTypes had p2.* on
        # 2025-03-06 and not on 2025-04-17 (karpenter-provider-aws, generated instance-types.md, v1.3.1 and v1.4.0).
        "deep-learning-containers #3950, karpenter-provider-aws v1.4.0",
        date="2025-04-17",
        at_latest=True,
        instead="newer G or P types",
        families=("p2",),
    ),
    Lifecycle(
        "EC2 G3",
        "retired",
        # AWS's notice as quoted there: "by October 31, 2025", and from 2025-01-01 for those alone who had run them.
        "aws_breaking_changes #114",
        date="2025-10-31",
        instead="newer G types",
        families=("g3", "g3s"),
    ),
    Lifecycle(
        "EC2 G2",
        "retired",
        # DescribeInstanceTypes had g2.* on 2023-09-27 and not on 2023-10-11 (karpenter-provider-aws, generated
        # instance-types.md, v0.31.0 and #4792); no notice was found.
        "karpenter-provider-aws #4792",
        date="2023-10-11",
        at_latest=True,
        instead="newer G types",
        families=("g2",),
    ),
)
"""Retired families of instance types; the catalog has their rows still, as its price list does."""
ELASTIC_INFERENCE = Lifecycle(
    "Amazon Elastic Inference",
    "ended",
    # "After April 15, 2023, new customers will not be able to launch instances with Amazon EI accelerators"; the AWS
    # CLI's later reference: "no longer available". terraform-provider-aws #41673 of 2025-03-05 tells of its end.
    "AWS CLI reference, elastic-inference; terraform-provider-aws #41673",
    date="2025-03-05",
    at_latest=True,
    instead="AWS Inferentia",
    note="closed to new customers since 2023-04-15",
    families=("eia1", "eia2"),
)
SERVICES = (
    ELASTIC_INFERENCE,
    Lifecycle(
        "Amazon SageMaker", "live", "SageMaker guide", note="Amazon SageMaker AI since 2024-12-03", also=("sagemaker",)
    ),
    Lifecycle("AWS Deep Learning AMI (DLAMI)", "live", "DLAMI guide, release notes of 2026-09-01", also=("dlami",)),
    Lifecycle("Amazon Polly", "live", "Polly guide"),
    Lifecycle("Amazon Comprehend", "live", "Comprehend guide"),
    Lifecycle(
        "Amazon Comprehend topic modeling, event detection, prompt safety",
        "closed to new customers",
        # "no longer be available to new customers, effective April 30, 2026"; an account that used them in the twelve
        # months before goes on.
        "Comprehend guide, comprehend-availability-change",
        date="2026-04-30",
        instead="Amazon Bedrock, Bedrock Guardrails",
        also=("comprehend topic modeling", "comprehend event detection", "comprehend prompt safety"),
    ),
    Lifecycle("Amazon Lex", "live", "Lex V2 guide", note="Lex V2", also=("lex v2",)),
    Lifecycle(
        "Amazon Lex V1",
        "ended",
        # "After September 15, 2025, you will no longer be able to access the Amazon Lex V1 console or resources."
        "Lex V1 guide; aws_breaking_changes #107",
        date="2025-09-15",
        instead="Amazon Lex V2",
    ),
    Lifecycle("Amazon Textract", "live", "Textract guide"),
    Lifecycle("Amazon Transcribe", "live", "Transcribe guide"),
    Lifecycle("Amazon Translate", "live", "Translate guide"),
    Lifecycle("Amazon Rekognition", "live", "Rekognition guide"),
    Lifecycle(
        "Amazon Rekognition streaming video, bulk image analysis",
        "closed to new customers",
        # "no longer available to new customers", "does not impact the availability of other Amazon Rekognition
        # features"; the day as in rekognition-availability-changes.
        "Rekognition guide, rekognition-availability-changes",
        date="2026-04-30",
        instead="stored video, one image a request",
        also=("rekognition streaming video", "rekognition bulk moderation", "rekognition bulk image analysis"),
    ),
    Lifecycle(
        "AWS DeepLens",
        "ended",
        # "Starting January 31, 2024, you can no longer access AWS DeepLens"
        "DeepLens guide, deeplens-end-of-life; aws_breaking_changes #72",
        date="2024-01-31",
    ),
    Lifecycle(
        "AWS DeepRacer",
        "ended",
        # AWS's machine learning blog of 2024-08-29, "Celebrating the final AWS DeepRacer League championship and road
        # ahead": to be open-sourced; aws_breaking_changes has "December (?), 2025". No source for the day was found.
        "aws_breaking_changes, README (DeepRacer)",
        instead="the solution DeepRacer on AWS, self-hosted",
        note="December 2025 was announced",
    ),
    Lifecycle(
        "Amazon Forecast",
        "closed to new customers",
        # "no longer available to new customers. Existing customers [...] can continue"; AWS said so of it and of six
        # others by 2024-07-31.
        "Forecast guide, setup; aws_breaking_changes #101",
        date="2024-07-31",
        at_latest=True,
        instead="Amazon SageMaker Canvas",
    ),
    Lifecycle("Amazon Personalize", "live", "Personalize guide"),
    Lifecycle(
        "Amazon SageMaker Ground Truth",
        "closed to new customers",
        # "no longer open to new customers. Existing customers can continue to use the service as normal." No day was
        # found.
        "SageMaker guide, sms-create-labeling-job-api",
        also=("ground truth", "groundtruth"),
    ),
    Lifecycle(
        "Amazon SageMaker Neo",
        "live",
        "SageMaker guide, neo-supported-cloud",
        note="no closing notice was found; of boosted trees it compiles XGBoost alone",
        also=("neo",),
    ),
)
"""The services of "Machine Learning at AWS" in its order, each followed by its parts that are closed."""


def family(instance_type: str) -> Lifecycle | None:
    """What has become of the family of an instance type, SageMaker's prefix aside; None where nothing is against it.

    A training job's type runs on the EC2 type of the same name: no source gives SageMaker's own day.
    """
    wanted = family_of(instance_type.removeprefix(SAGEMAKER_PREFIX).strip().lower())
    return next((entry for entry in (*FAMILIES, ELASTIC_INFERENCE) if wanted in entry.families), None)


def named(word: str) -> Lifecycle | None:
    """The service or family that a word names: ``forecast``, ``deep-lens`` or ``p3``; None where it names none."""
    return next((entry for entry in (*SERVICES, *FAMILIES) if entry.covers(word)), None)


def living(catalog: Catalog) -> Catalog:
    """The catalog without what is retired."""
    return replace(catalog, types={name: row for name, row in catalog.types.items() if family(name) is None})

"""The least IAM policy of whoever benchmarks managed services: the actions of each, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws.iam.policies import check_names, partition_of
from pytest_benchmark_aws.catalog import lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterable

ACTIONS = {
    "polly": ("polly:SynthesizeSpeech",),
    "comprehend": ("comprehend:DetectDominantLanguage", "comprehend:DetectEntities", "comprehend:DetectSentiment"),
    "lex": ("lex:RecognizeText",),
    "textract": ("textract:AnalyzeDocument", "textract:DetectDocumentText"),
    "transcribe": ("transcribe:GetTranscriptionJob", "transcribe:StartTranscriptionJob"),
    "translate": ("translate:TranslateText",),
    "rekognition": ("rekognition:DetectFaces", "rekognition:DetectLabels"),
    "personalize": ("personalize:GetRecommendations",),
}
"""Service -> the actions that its benchmarks call. Service Authorization Reference: but for Lex and Personalize, and
S3 for Transcribe, none of them names a resource that could be narrowed here."""


def services_policy(
    account_id: str, region: str, only: Iterable[str] | None = None, bucket: str | None = None
) -> dict[str, Any]:
    """What the benchmarks of managed services may do, of all or of ``only`` some.

    Raises:
        ValueError: there is no such service (any more), or a name is none of its kind.
    """
    check_names(account_id=account_id, region=region, bucket=bucket)
    names = list(dict.fromkeys(ACTIONS if only is None else only))
    if not names:
        raise ValueError(f"--only names no managed service; there are {', '.join(ACTIONS)}")
    unknown = [name for name in names if name not in ACTIONS]
    gone = [entry.sentence for entry in map(lifecycle.named, unknown) if entry is not None and not entry.live]
    if gone:
        raise ValueError("; ".join(gone))
    if unknown:
        raise ValueError(f"no managed service is called {', '.join(unknown)}; there are {', '.join(ACTIONS)}")
    partition = partition_of(region)
    in_region = {"StringEquals": {"aws:RequestedRegion": region}}
    of_account = f"arn:{partition}:{{}}:{region}:{account_id}:{{}}"
    resources: dict[str, str | list[str]] = {
        "lex": of_account.format("lex", "bot-alias/*/*"),
        "personalize": [
            of_account.format("personalize", "campaign/*"),
            of_account.format("personalize", "recommender/*"),
        ],
    }
    statements = [_allow(name.capitalize(), list(ACTIONS[name]), resources.get(name, "*"), in_region) for name in names]
    if "transcribe" in names:
        place = f"arn:{partition}:s3:::{bucket or f'pytest-benchmark-aws-{account_id}-{region}'}/services/*"
        statements.append(_allow("TranscribeObjects", ["s3:GetObject", "s3:PutObject"], place))
    statements.append(_allow("Prices", ["pricing:GetProducts"], "*"))
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(
    name: str, actions: list[str], resource: str | list[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resource}
    return statement if condition is None else {**statement, "Condition": condition}

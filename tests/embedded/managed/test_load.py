"""Latency, throttling and errors that are set; both protocols; answers that the model holds."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from pytest_benchmark_aws.embedded.aws_request import AwsRequest
from pytest_benchmark_aws.embedded.control_client import control
from pytest_benchmark_aws.embedded.managed import services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_benchmark_aws.embedded.server import EmbeddedAWS

SENTIMENT = {"Text": "We love it.", "LanguageCode": "en"}


@pytest.fixture
def load(aws: EmbeddedAWS) -> Iterator[Callable[..., Any]]:
    """Sets how a service answers, until the test is over."""
    touched = []

    def set_load(service: str, **values: Any) -> None:
        touched.append(service)
        aws.control("service", {"service": service, **values})

    yield set_load
    for service in touched:
        aws.control("service", {"service": service})


def test_latency_is_waited(client: Callable[..., Any], load: Callable[..., None]) -> None:
    """An answer takes at least what was set."""
    load("comprehend", latency_s=0.15)
    comprehend = client("comprehend")
    start = time.perf_counter()
    comprehend.detect_sentiment(**SENTIMENT)
    assert time.perf_counter() - start >= 0.15


@pytest.mark.parametrize(
    ("service", "name", "operation", "request_", "code", "status"),
    [
        ("comprehend", "comprehend", "detect_sentiment", SENTIMENT, "ThrottlingException", 400),
        ("polly", "polly", "synthesize_speech",
         {"Text": "x", "VoiceId": "Joanna", "OutputFormat": "pcm"}, "ThrottlingException", 400),
        ("translate", "translate", "translate_text",
         {"Text": "x", "SourceLanguageCode": "en", "TargetLanguageCode": "de"}, "TooManyRequestsException", 429),
        ("textract", "textract", "detect_document_text", {"Document": {"Bytes": b"%PDF-"}}, "ThrottlingException", 400),
        ("transcribe", "transcribe", "get_transcription_job",
         {"TranscriptionJobName": "x"}, "LimitExceededException", 429),
        ("rekognition", "rekognition", "detect_faces", {"Image": {"Bytes": b"%PDF-"}}, "ThrottlingException", 400),
        ("lex", "lexv2-runtime", "recognize_text",
         {"botId": "EMBEDDED01", "botAliasId": "TSTALIASID", "localeId": "en_US", "sessionId": "ab", "text": "x"},
         "ThrottlingException", 429),
        ("personalize", "personalize-runtime", "get_recommendations", {"userId": "1"}, "ThrottlingException", 400),
    ],
)  # fmt: skip
def test_what_comes_too_fast_is_throttled(
    client: Callable[..., Any],
    load: Callable[..., None],
    service: str,
    name: str,
    operation: str,
    request_: dict[str, Any],
    code: str,
    status: int,
) -> None:
    """After the burst, by the code and status of the service's model."""
    load(service, requests_a_second=0.001, burst=1)
    act = getattr(client(name), operation)
    with suppress(ClientError):  # it passes, or is refused for what it asks
        act(**request_)
    with pytest.raises(ClientError) as caught:
        act(**request_)
    assert caught.value.response["Error"]["Code"] == code
    if status != 400:  # older models do not say it: those of boto3 1.36
        error = client(name).meta.service_model.shape_for(code).metadata.get("error", {})
        status = min(status, error.get("httpStatusCode", 400))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_injected_errors_reach_these_services_too(
    aws: EmbeddedAWS, client: Callable[..., Any], refused: Callable[..., tuple[str, str]]
) -> None:
    """The control API's faults, by the action's name, in each protocol."""
    for name, action, operation, request in (
        ("comprehend", "DetectSentiment", "detect_sentiment", SENTIMENT),
        ("polly", "SynthesizeSpeech", "synthesize_speech",
         {"Text": "x", "VoiceId": "Joanna", "OutputFormat": "pcm"}),
    ):  # fmt: skip
        aws.control("faults", {"action": action, "code": "InternalServerException", "status": 500})
        assert refused(getattr(client(name), operation), **request)[0] == "InternalServerException"


def test_unknown_service_has_no_load(aws: EmbeddedAWS) -> None:
    """A name that is none is refused with those that there are."""
    with pytest.raises(Exception, match="400"):
        control(aws.environment(), "service", {"service": "forecast"})


def test_json_is_answered_as_json(aws: EmbeddedAWS) -> None:
    """An older SDK speaks JSON with a service with which a newer one speaks CBOR."""
    url = f"{aws.endpoint}/"
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Comprehend_20171127.DetectSentiment"}
    signed = AWSRequest("POST", url, data=json.dumps(SENTIMENT).encode(), headers=headers)
    SigV4Auth(Credentials(aws.key.key_id, aws.key.secret), "comprehend", "us-east-1").add_auth(signed)
    with urlopen(Request(url, signed.body, dict(signed.headers)), timeout=10) as answer:
        assert answer.headers["Content-Type"] == "application/x-amz-json-1.1"
        assert json.loads(answer.read())["Sentiment"] == "POSITIVE"


@pytest.mark.parametrize(
    "document", [{"Sentiment": "GLAD", "SentimentScore": {}}, {"Sentiment": 1}, {"Sentiments": "POSITIVE"}]
)
def test_answer_that_the_model_has_not_is_not_sent(document: dict[str, Any]) -> None:
    """Each answer is held against botocore's model: a wrong enumeration, type or name is a fault of embedded AWS."""
    request = AwsRequest("comprehend", "DetectSentiment", "us-east-1", {}, SENTIMENT)
    with pytest.raises(ValueError, match="embedded comprehend DetectSentiment"):
        services._check_answer(request, document)

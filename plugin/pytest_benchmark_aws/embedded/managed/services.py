"""The managed services together: each request is held against the model, waits, may be throttled, and is answered."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from botocore.validate import ParamValidator

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.managed import (
    comprehend,
    lex,
    personalize,
    polly,
    rekognition,
    textract,
    translate,
)
from pytest_benchmark_aws.embedded.managed.transcribe import Transcriptions
from pytest_benchmark_aws.embedded.managed.wire import protocols
from pytest_benchmark_aws.embedded.sagemaker import constraints

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.state import ServiceLoad, State


class ManagedServices:
    """Answers what is asked of the managed services."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()
        transcriptions = Transcriptions(state)
        self._actions: dict[tuple[str, str], Callable[[AwsRequest], dict[str, Any]]] = {
            ("polly", "SynthesizeSpeech"): polly.synthesize_speech,
            ("comprehend", "DetectSentiment"): comprehend.detect_sentiment,
            ("comprehend", "DetectEntities"): comprehend.detect_entities,
            ("comprehend", "DetectDominantLanguage"): comprehend.detect_dominant_language,
            ("translate", "TranslateText"): translate.translate_text,
            ("textract", "DetectDocumentText"): textract.detect_document_text,
            ("textract", "AnalyzeDocument"): textract.analyze_document,
            ("transcribe", "StartTranscriptionJob"): transcriptions.start,
            ("transcribe", "GetTranscriptionJob"): transcriptions.get,
            ("rekognition", "DetectLabels"): rekognition.detect_labels,
            ("rekognition", "DetectFaces"): rekognition.detect_faces,
            ("lex", "RecognizeText"): lex.recognize_text,
            ("personalize", "GetRecommendations"): personalize.get_recommendations,
        }

    def __call__(self, request: AwsRequest, protocol: str) -> tuple[bytes, dict[str, str]] | None:
        """Body and headers that answer a call; None where it is not one of these."""
        act = self._actions.get((request.service, request.action))
        if act is None:
            return None
        load = self._state.service_load(request.service)
        if load.latency_s > 0:
            time.sleep(load.latency_s)
        self._throttle(request, load)
        if request.action == "TranslateText":
            translate.check_size(request)
        _check_request(request)
        document = act(request)
        _check_answer(request, document)
        return protocols.rendered(request.service, request.action, document, protocol)

    def _throttle(self, request: AwsRequest, load: ServiceLoad) -> None:
        if load.requests_a_second is None:
            return
        with self._lock:
            bucket = self._buckets.setdefault(request.service, _Bucket(load.burst))
            passes = bucket.take(load.requests_a_second, load.burst, time.monotonic())
        if not passes:
            code, status = protocols.throttling(request.service, request.action)
            raise AwsError(code, "Rate exceeded", status)


class _Bucket:
    """A token bucket."""

    def __init__(self, burst: int) -> None:
        self._tokens = float(burst)
        self._time = 0.0

    def take(self, rate: float, burst: int, now: float) -> bool:
        """Whether one more request passes now."""
        if self._time:
            self._tokens = min(float(burst), self._tokens + (now - self._time) * rate)
        self._time = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _check_request(request: AwsRequest) -> None:
    shape = protocols.model(request.service).operation_model(request.action).input_shape
    code = "BadRequestException" if request.service == "transcribe" else "ValidationException"
    report = ParamValidator().validate(request.document, shape)
    problems = list(constraints.problems(shape, request.document, "")) or list(filter(None, [report.generate_report()]))
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise AwsError(code, f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}")


def _check_answer(request: AwsRequest, document: dict[str, Any]) -> None:
    """Refuses to send what the service's model does not have: a fault of embedded AWS, never of a client.

    Raises:
        ValueError: the answer does not meet the model.
    """
    shape = protocols.model(request.service).operation_model(request.action).output_shape
    blobs = {
        name: value
        for name, value in document.items()
        if name in shape.members and shape.members[name].type_name == "blob"
    }
    rest = {name: value for name, value in document.items() if name not in blobs}
    report = ParamValidator().validate(rest, shape).generate_report()
    problems = [*filter(None, [report]), *constraints.problems(shape, rest, "")]
    if problems:
        raise ValueError(f"embedded {request.service} {request.action}: {'; '.join(problems)}")

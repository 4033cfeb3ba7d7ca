"""Requests and answers of the managed services, by botocore's models: JSON, REST with JSON, and CBOR."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, StructureShape

from pytest_benchmark_aws.embedded.managed.wire import cbor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel, Shape

MODELS = {
    "polly": "polly",
    "comprehend": "comprehend",
    "translate": "translate",
    "textract": "textract",
    "transcribe": "transcribe",
    "rekognition": "rekognition",
    "lex": "lexv2-runtime",
    "personalize": "personalize-runtime",
}
"""Service as signatures name it -> botocore's name of the model of its requests."""
CBOR = "rpc-v2-cbor"


@dataclass(frozen=True, slots=True)
class ManagedRequest:
    """A request of one of these services."""

    operation: str
    document: dict[str, Any]
    """Its members by name; bytes where the model has a blob."""


@cache
def model(service: str) -> ServiceModel:
    """The model of a service, as its signatures name it."""
    name = MODELS[service]
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def parsed(service: str, environ: Mapping[str, Any], body: bytes) -> ManagedRequest | None:
    """The request in a WSGI environ; None where the model has no such operation.

    Raises:
        ValueError: the body is none of the protocol that the request says.
    """
    if environ.get("HTTP_SMITHY_PROTOCOL") == CBOR:
        name = str(environ.get("PATH_INFO", "")).rpartition("/")[2]
        return ManagedRequest(name, cbor.decoded(body) if body else {}) if _has(service, name) else None
    target = str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]
    if target:
        if not _has(service, target):
            return None
        return ManagedRequest(target, _members(model(service).operation_model(target).input_shape, _json(body)))
    for name in model(service).operation_names:
        operation = model(service).operation_model(name)
        found = _in_path(operation, str(environ["REQUEST_METHOD"]), str(environ.get("PATH_INFO", "")))
        if found is not None:
            return ManagedRequest(name, {**_members(operation.input_shape, _json(body)), **found})
    return None


def rendered(service: str, operation: str, document: dict[str, Any], protocol: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an answer."""
    if protocol == CBOR:
        return cbor.encoded(document), {"smithy-protocol": CBOR, "Content-Type": "application/cbor"}
    shape = model(service).operation_model(operation).output_shape
    if model(service).metadata.get("protocol") != "rest-json":
        return json.dumps(_as_json(document)).encode(), {"Content-Type": "application/x-amz-json-1.1"}
    headers, members = {"Content-Type": "application/json"}, dict(document)
    for name, member in shape.members.items():
        if member.serialization.get("location") == "header" and name in members:
            headers[member.serialization.get("name", name)] = str(members.pop(name))
    payload = shape.serialization.get("payload")
    if payload is not None and shape.members[payload].type_name == "blob":
        return members[payload], headers
    return json.dumps(_as_json(members)).encode(), headers


def throttling(service: str, operation: str) -> tuple[str, int]:
    """Code and HTTP status with which an operation is throttled: one of its model's, else ``ThrottlingException``."""
    codes = ("ThrottlingException", "TooManyRequestsException", "LimitExceededException")
    if _has(service, operation):
        errors = {shape.name: shape for shape in model(service).operation_model(operation).error_shapes}
        for code in codes:
            if code in errors:
                return code, int(errors[code].metadata.get("error", {}).get("httpStatusCode", 400))
    return codes[0], 400


def _has(service: str, operation: str) -> bool:
    return operation in model(service).operation_names


def _json(body: bytes) -> dict[str, Any]:
    document = json.loads(body or b"{}")
    if not isinstance(document, dict):
        raise ValueError("the body is no JSON object")
    return document


def _in_path(operation: OperationModel, method: str, path: str) -> dict[str, str] | None:
    """The members that come in the path of a REST request; None where it is not this operation's."""
    if operation.http.get("method") != method:
        return None
    parts = re.split(r"\{(\w+)\}", operation.http["requestUri"].partition("?")[0])
    pattern = "".join(f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    match = re.fullmatch(pattern, path)
    if match is None:
        return None
    names = {
        member.serialization.get("name", name): name
        for name, member in (operation.input_shape.members if operation.input_shape else {}).items()
        if member.serialization.get("location") == "uri"
    }
    return {names[label]: unquote(value) for label, value in match.groupdict().items()}


def _members(shape: Shape | None, value: Any) -> Any:
    """A value of JSON with bytes where the model has a blob."""
    if shape is None or value is None:
        return value
    if shape.type_name == "blob" and isinstance(value, str):
        return base64.b64decode(value, validate=True)
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {name: _members(shape.members.get(name), item) for name, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_members(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _members(shape.value, item) for key, item in value.items()}
    return value


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list) else value

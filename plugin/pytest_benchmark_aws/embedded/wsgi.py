"""The WSGI application: sends each request to the control API, the metadata service, our own services or moto."""

from __future__ import annotations

import io
import json
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from pytest_benchmark_aws.embedded import pricing, s3
from pytest_benchmark_aws.embedded.aws_error import REQUEST_ID, AwsError, render_error
from pytest_benchmark_aws.embedded.aws_request import AwsRequest, parse_request
from pytest_benchmark_aws.embedded.control import Control, ControlError
from pytest_benchmark_aws.embedded.ec2 import instance_metadata, quotas
from pytest_benchmark_aws.embedded.ec2.actions import Ec2
from pytest_benchmark_aws.embedded.iam.authorization import Authorization

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication

    from pytest_benchmark_aws.embedded.ec2.lifecycle import Lifecycle
    from pytest_benchmark_aws.embedded.state import State

Headers = list[tuple[str, str]]
_XML: Headers = [("Content-Type", "text/xml;charset=UTF-8"), ("x-amzn-RequestId", REQUEST_ID)]
_JSON: Headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", REQUEST_ID)]


class Application:
    """Answers all requests of one embedded AWS; ``moto`` is the application that answers what this does not."""

    def __init__(self, moto: WSGIApplication, state: State, lifecycle: Lifecycle) -> None:
        self._moto = moto
        self._state = state
        self._lifecycle = lifecycle
        self._authorization = Authorization(state.lock)
        self._control = Control(state, lifecycle, self._authorization)
        self._ec2 = Ec2(state, lifecycle)
        self._conditional_write = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answers a request; every answer has the header ``x-embedded-aws``, so that no client takes it for AWS's."""
        start_response = _marked(start_response)
        path = environ.get("PATH_INFO", "")
        if path.startswith("/_embedded/imds/"):
            status, text = instance_metadata.answer(
                self._lifecycle,
                environ["REQUEST_METHOD"],
                path.removeprefix("/_embedded/imds/"),
                environ,
                iam_enforced=self._authorization.enforced,
            )
            return _respond(start_response, status, text.encode(), [("Content-Type", "text/plain")])
        if path.startswith("/_embedded/"):
            return self._answer_control(environ, start_response, path.removeprefix("/_embedded/"))
        request = parse_request(environ, self._state.settings.region)
        self._state.note_call(request, path)
        return self._answer_aws(environ, start_response, request)

    def _answer_control(self, environ: dict[str, Any], start_response: StartResponse, path: str) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status: int = HTTPStatus.OK
        answer: object
        try:
            payload = json.loads(body or b"{}")
            if not isinstance(payload, dict):
                raise ControlError("the body is no JSON object")
            answer = self._control(environ["REQUEST_METHOD"], path, payload)
        except ControlError as error:
            status, answer = error.status, {"error": str(error)}
        except ValueError as error:
            status, answer = HTTPStatus.BAD_REQUEST, {"error": f"the body is no JSON: {error}"}
        return _respond(start_response, status, json.dumps(answer).encode(), [("Content-Type", "application/json")])

    def _answer_aws(
        self, environ: dict[str, Any], start_response: StartResponse, request: AwsRequest
    ) -> Iterable[bytes]:
        fault = self._state.take_fault(request.action)
        try:
            if self._authorization.enforced:
                self._authorization.check(request, environ)
            if fault is not None and not fault.after:
                raise fault.error()
            if request.service == "s3":
                s3.check(request, environ)
                s3.keep_body(environ)
            if fault is None and s3.is_conditional(environ):
                with self._conditional_write:  # moto looks and writes in two steps
                    return self._moto(environ, start_response)
            if fault is None:
                own = self._own_answer(environ, request)
                return _respond(start_response, *own) if own is not None else self._moto(environ, start_response)
            if self._own_answer(environ, request) is None:
                _call(self._moto, environ)
                environ["wsgi.input"] = io.BytesIO()  # it is read: more of it never comes
            raise fault.error()
        except AwsError as error:
            _drain(environ)
            return _respond(start_response, error.status, *render_error(request.service, error))

    def _own_answer(self, environ: dict[str, Any], request: AwsRequest) -> tuple[int, bytes, Headers] | None:
        """HTTP status, body and headers of an answer that is not moto's; None where moto is to answer."""
        if request.service == "ec2":
            status, body = self._ec2(request, lambda: _call(self._moto, environ))
            return status, body, _XML
        target = (request.service, request.action)
        if target == ("pricing", "GetProducts"):
            return 200, json.dumps(pricing.get_products(request)).encode(), _JSON
        if target == ("servicequotas", "GetServiceQuota"):
            return 200, json.dumps(quotas.get_service_quota(request, self._state)).encode(), _JSON
        return None


def _call(application: WSGIApplication, environ: dict[str, Any]) -> tuple[int, bytes]:
    """Calls a WSGI application; returns its HTTP status and the whole body."""
    statuses: list[int] = []
    written = io.BytesIO()

    def start_response(status: str, _headers: Headers, _exc_info: Any = None) -> Any:
        statuses.append(int(status.split(maxsplit=1)[0]))
        return written.write

    chunks = application(environ, cast("StartResponse", start_response))
    try:
        for chunk in chunks:
            written.write(chunk)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return statuses[-1], written.getvalue()


def _marked(start_response: StartResponse) -> StartResponse:
    """The same function, with the header that names embedded AWS added to each answer."""

    def marked(status: str, headers: Headers, exc_info: Any = None) -> Any:
        return start_response(status, [*headers, ("x-embedded-aws", "1")], exc_info)

    return cast("StartResponse", marked)


def _drain(environ: dict[str, Any]) -> None:
    """Reads what the client still sends, as it reads no answer before it has sent all."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    terminated = bool(environ.get("wsgi.input_terminated"))
    while left > 0 or terminated:
        chunk = environ["wsgi.input"].read(65536 if terminated else min(left, 65536))
        if not chunk:
            break
        left -= len(chunk)


def _respond(start_response: StartResponse, status: int, body: bytes, headers: Headers) -> Iterable[bytes]:
    """Starts the response, with its length; returns the body as WSGI wants it."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    start_response(f"{status} {phrase}", [*headers, ("Content-Length", str(len(body)))])
    return [body]

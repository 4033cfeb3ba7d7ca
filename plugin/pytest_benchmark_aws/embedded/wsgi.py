"""The WSGI application: sends each request to the control API, the metadata service, our own services or moto."""

from __future__ import annotations

import io
import json
import threading
from typing import TYPE_CHECKING, Any

from werkzeug.test import run_wsgi_app

from pytest_benchmark_aws.embedded import aws_hosts, moto_models
from pytest_benchmark_aws.embedded.aws_error import REQUEST_ID, AwsError, render_error
from pytest_benchmark_aws.embedded.aws_request import AwsRequest, parse_request, read_body, scope
from pytest_benchmark_aws.embedded.control import Control, ControlError
from pytest_benchmark_aws.embedded.doorkeeper import Response, drain, refusal, refused
from pytest_benchmark_aws.embedded.ec2 import instance_metadata, quotas
from pytest_benchmark_aws.embedded.ec2.actions import Ec2
from pytest_benchmark_aws.embedded.managed.services import ManagedServices
from pytest_benchmark_aws.embedded.sagemaker import quotas as sagemaker_quotas
from pytest_benchmark_aws.embedded.sagemaker.actions import SageMaker
from pytest_benchmark_aws.embedded.sagemaker.containers import credentials
from pytest_benchmark_aws.embedded.sagemaker.containers.role_client import SERVICE_VARIABLE
from pytest_benchmark_aws.embedded.services import pricing, s3

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication

    from pytest_benchmark_aws.embedded.ec2.lifecycle import Lifecycle
    from pytest_benchmark_aws.embedded.iam.authorization import Authorization
    from pytest_benchmark_aws.embedded.sagemaker.training_jobs import TrainingJobs
    from pytest_benchmark_aws.embedded.state import State

_REQUEST_ID = {"x-amzn-RequestId": REQUEST_ID}


class Application:
    """Answers all requests of one embedded AWS; ``moto`` is the application that answers what this does not."""

    def __init__(
        self,
        moto: WSGIApplication,
        state: State,
        lifecycle: Lifecycle,
        jobs: TrainingJobs,
        authorization: Authorization,
    ) -> None:
        self._moto = moto
        self._state = state
        self._lifecycle = lifecycle
        self._jobs = jobs
        self._authorization = authorization
        self._control = Control(state, lifecycle, jobs, authorization)
        self._ec2 = Ec2(state, lifecycle)
        self._sagemaker = SageMaker(state, jobs)
        self._managed = ManagedServices(state)
        authorization.tags_of = self._sagemaker.tags_of
        self._conditional_write = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answers a request; every answer has the header ``x-embedded-aws``, so that no client takes it for AWS's."""
        response = refusal(environ, int(environ["SERVER_PORT"]))
        if response is None:
            response = self._answer(environ, environ.get("PATH_INFO", ""))
        else:
            drain(environ)
        for name in [name for name in response.headers.keys() if name.lower().startswith("access-control-")]:  # noqa: SIM118
            del response.headers[name]  # moto lets every web page read its answers
        response.headers["x-embedded-aws"] = "1"
        return response(environ, start_response)

    def _answer(self, environ: dict[str, Any], path: str) -> Response:
        if path.startswith("/_embedded/imds/"):
            status, text = instance_metadata.answer(
                self._lifecycle,
                environ["REQUEST_METHOD"],
                path.removeprefix("/_embedded/imds/"),
                environ,
                self._authorization,
            )
            return Response(text, status, content_type="text/plain")
        if path.startswith("/_embedded/container-credentials/"):
            token = path.removeprefix("/_embedded/container-credentials/")
            status, text = credentials.answer(self._jobs, environ["REQUEST_METHOD"], token)
            return Response(text, status, content_type="application/json")
        if path.startswith("/_embedded/"):
            return self._answer_control(environ, path.removeprefix("/_embedded/"))
        return self._answer_aws(environ)

    def _answer_control(self, environ: dict[str, Any], path: str) -> Response:
        if not self._control.admits(str(environ.get("HTTP_X_EMBEDDED_TOKEN", "")), path):
            drain(environ)
            return refused("x-embedded-token: AWS_SECRET_ACCESS_KEY of this start is missing or wrong", 401)
        status, answer = 200, object()
        try:
            payload = json.loads(read_body(environ) or b"{}")
            if not isinstance(payload, dict):
                raise ControlError("the body is no JSON object")
            answer = self._control(environ["REQUEST_METHOD"], path, payload)
        except ControlError as error:
            status, answer = error.status, {"error": str(error)}
        except ValueError as error:
            status, answer = 400, {"error": f"the body is no JSON: {error}"}
        return Response(json.dumps(answer), status, content_type="application/json")

    def _answer_aws(self, environ: dict[str, Any]) -> Response:
        service, region = scope(environ, self._state.settings.region)
        address = aws_hosts.address_of(environ)
        protocol = str(environ.get("HTTP_SMITHY_PROTOCOL", ""))
        try:
            # Before anything of the request is read or kept, and while it is as it was signed.
            aws_hosts.check(address, service, region, environ)
            caller = self._authorization.signer(service, region, environ)
        except AwsError as error:
            drain(environ)
            body, headers = render_error(service, error, protocol)
            return Response(body, error.status, [*headers, *error.headers.items()])
        aws_hosts.enter(address, environ)
        request = parse_request(environ, self._state.settings.region)
        fault = None
        if SERVICE_VARIABLE not in environ:
            self._state.note_call(request, str(environ["PATH_INFO"]))
            fault = self._state.take_fault(request.action)
        try:
            if caller is not None and self._authorization.enforced:
                self._authorization.check(caller, request, environ)
            if fault is not None and not fault.after:
                raise fault.error()
            if request.service == "s3":
                s3.check(request, environ)
                s3.keep_body(environ)
            if fault is None and s3.is_conditional(environ):
                with self._conditional_write:  # moto looks and writes in two steps
                    return self._ask_moto(environ)
            response = self._own_answer(environ, request)
            if fault is None:
                response = response or self._ask_moto(environ)
                if response.status_code == 404 and self._authorization.hides_missing_key(request, environ):
                    raise AwsError("AccessDenied", "Access Denied", 403)
                return response
            if response is None:
                self._ask_moto(environ)
                environ["wsgi.input"] = io.BytesIO()  # it is read: more of it never comes
            raise fault.error()
        except AwsError as error:
            read_body(environ)  # a client reads no answer before it has sent all
            body, headers = render_error(request.service, error, protocol)
            return Response(body, error.status, [*headers, *error.headers.items()])

    def _own_answer(self, environ: dict[str, Any], request: AwsRequest) -> Response | None:
        """An answer that is not moto's; None where moto is to answer."""
        if request.service == "ec2":

            def moto() -> tuple[int, bytes]:
                response = self._ask_moto(environ)
                return response.status_code, response.get_data()

            status, body = self._ec2(request, moto)
            return Response(body, status, _REQUEST_ID, content_type="text/xml;charset=UTF-8")
        managed = self._managed(request, str(environ.get("HTTP_SMITHY_PROTOCOL", "")))
        if managed is not None:
            return Response(managed[0], 200, {**_REQUEST_ID, **managed[1]})
        if request.service == "ssm":
            with self._state.lock:
                moto_models.ec2_backend(request.region)  # the images and their public parameters are there
        target = (request.service, request.action)
        answer: dict[str, Any] | None = None
        if target == ("pricing", "GetProducts"):
            answer = pricing.get_products(request)
        elif target == ("servicequotas", "GetServiceQuota"):
            of_sagemaker = request.document.get("ServiceCode") == "sagemaker"
            answer = (sagemaker_quotas if of_sagemaker else quotas).get_service_quota(request, self._state)
        elif target == ("servicequotas", "ListServiceQuotas") and request.document.get("ServiceCode") == "sagemaker":
            answer = sagemaker_quotas.list_service_quotas(request, self._state)
        elif request.service == "sagemaker":
            answer = self._sagemaker(request)
        if answer is None:
            return None
        return Response(json.dumps(answer), 200, _REQUEST_ID, content_type="application/x-amz-json-1.1")

    def _ask_moto(self, environ: dict[str, Any]) -> Response:
        return Response(*run_wsgi_app(self._moto, environ))

"""What can happen between a client and AWS: answers that AWS never gave, and replies that never came."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients


def answer_with(status: int, body: str) -> Any:
    """An answer that AWS never gave, for a ``before-send`` handler to return."""
    from botocore.awsrequest import AWSResponse

    data = body.encode()
    raw = SimpleNamespace(stream=lambda: iter([data]))
    return AWSResponse("http://aws", status, {"Content-Type": "text/xml", "Content-Length": str(len(data))}, raw)


def ec2_error(code: str, status: int = 400, message: str = "said a test") -> Any:
    """An error in EC2's words, for a ``before-send`` handler to return."""
    return answer_with(
        status,
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>0</RequestID></Response>",
    )


def lose_calls(clients: Clients, operation: str, times: int) -> list[Any]:
    """Breaks the connection before each of the next calls arrives; gives the requests."""
    return lose_replies(clients, operation, times, forward=False)


def lose_replies(clients: Clients, operation: str, times: int, *, forward: bool = True) -> list[Any]:
    """Forwards each of the next calls, and breaks the connection before its reply; gives the requests."""
    from botocore.exceptions import ConnectionClosedError
    from botocore.httpsession import URLLib3Session

    lost: list[Any] = []

    def handler(request: Any, **_: Any) -> None:
        if len(lost) < times:
            lost.append(request)
            if forward:
                URLLib3Session().send(request)
            raise ConnectionClosedError(endpoint_url=request.url)

    clients.on(f"before-send.{operation}", handler)
    return lost


def answering(clients: Clients, operation: str, *answers: Any) -> list[Any]:
    """Answers the next calls in AWS's stead, None: by AWS; gives the requests. After the last, AWS answers."""
    asked: list[Any] = []

    def handler(request: Any, **_: Any) -> Any:
        asked.append(request)
        answer = answers[len(asked) - 1] if len(asked) <= len(answers) else None
        return answer() if callable(answer) else answer

    clients.on(f"before-send.{operation}", handler)
    return asked


def form(request: Any) -> dict[str, str]:
    """The parameters of a query request, as of EC2."""
    from urllib.parse import parse_qsl

    body = request.body
    return dict(parse_qsl(body.decode() if isinstance(body, bytes) else body))

"""Who embedded AWS answers: those who hold the key of this start, and nobody else of the machine or of the web."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.report.html import browser
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.embedded.conftest import World

LAUNCH = "Action=RunInstances&Version=2016-11-15&ImageId={}&InstanceType=m5.large&MinCount=1&MaxCount=1&UserData={}"
CREDENTIAL = "Credential=AKIAMADEUP/20260101/us-east-1/ec2/aws4_request"
MADE_UP = f"AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=host, Signature={'0' * 64}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
STRANGER = """
import sys, boto3, urllib.request, urllib.error
endpoint, image, instance, key_id = sys.argv[1:]
for used in ("embedded", key_id):
    keys = {"aws_access_key_id": used, "aws_secret_access_key": "embedded", "region_name": "us-east-1"}
    ec2 = boto3.client("ec2", endpoint_url=endpoint, **keys)
    try:
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="m5.large", UserData="#!/bin/sh\\n")
        print("launched")
    except ec2.exceptions.ClientError as error:
        print(error.response["Error"]["Code"])
for path in ("instances", f"instances/{instance}/poweroff", f"imds/{instance}/latest/api/token"):
    try:
        urllib.request.urlopen(f"{endpoint}/_embedded/{path}", b"{}" if "poweroff" in path else None)
        print("answered")
    except urllib.error.HTTPError as error:
        print(error.code)
"""
REFUSED = ["AuthFailure", "AuthFailure", "401", "401", "404"]


def ask(
    world: World, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of an answer to a request that has these headers alone."""
    connection = http.client.HTTPConnection(urlsplit(world.aws.endpoint).netloc, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def launch(world: World) -> str:
    """The body of a RunInstances."""
    return LAUNCH.format(world.ami(), "IyEvYmluL3NoCmV4aXQK")


def signed(world: World, body: str, host: str | None = None) -> dict[str, str]:
    """The headers of a request of EC2 that is rightly signed with this start's key, for that host."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("POST", f"http://{host or urlsplit(world.aws.endpoint).netloc}/", FORM, body)
    SigV4Auth(Credentials(world.aws.key.key_id, world.aws.key.secret), "ec2", "us-east-1").add_auth(request)
    return {**dict(request.headers.items()), **({"Host": host} if host else {})}


def instances(world: World) -> int:
    return len(world.aws.control("instances"))


def test_k1_each_start_has_keys_of_its_own(world: World) -> None:
    """Those of an earlier start open nothing; the secret has the strength of a key."""
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS

    before = world.aws.environment()
    world.aws.stop()
    with EmbeddedAWS(world.aws.root) as again:
        now = again.environment()
        assert before["AWS_ACCESS_KEY_ID"] != now["AWS_ACCESS_KEY_ID"]
        assert before["AWS_SECRET_ACCESS_KEY"] != now["AWS_SECRET_ACCESS_KEY"]
        assert len(now["AWS_SECRET_ACCESS_KEY"]) >= 40


@pytest.mark.parametrize("authorization", [MADE_UP, "", "AWS4-HMAC-SHA256 Credential=x", "AWS4-HMAC-SHA256 é=é, é"])
def test_k1_a_signature_that_is_made_up_runs_nothing(world: World, authorization: str) -> None:
    """Nor one that is missing, or none."""
    headers = {**FORM, **({"Authorization": authorization} if authorization else {})}
    status, _, text = ask(world, "POST", "/", launch(world), **headers)
    assert status in {401, 403}
    assert "Traceback" not in text
    assert instances(world) == 0


@pytest.mark.parametrize(
    "path", ["/bucket/key", "/moto-api/data.json", "/moto-api/reset", "/", "/?Action=RunInstances"]
)
def test_k1_nothing_is_open_without_a_signature(world: World, path: str) -> None:
    """Neither S3's objects nor moto's own pages."""
    assert ask(world, "GET", path)[0] == 403
    assert ask(world, "POST", path, "")[0] == 403


def test_k1_a_right_signature_with_an_origin_runs_nothing(world: World) -> None:
    """A page has an Origin; no answer lets a page read it, a refusal neither."""
    body = launch(world)
    for origin in ("https://example.org", "null", world.aws.endpoint):
        status, headers, _ = ask(world, "POST", "/", body, **signed(world, body), Origin=origin)
        assert status == 403
        assert not [name for name in headers if name.startswith("access-control")]
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "PUT"}
    assert ask(world, "OPTIONS", "/bucket/key", **asked)[0] == 403
    assert ask(world, "POST", "/", body, **signed(world, body), Sec_Fetch_Site="cross-site")[0] == 403
    assert instances(world) == 0


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "amazonaws.com.evil.example", "127.0.0.1.x", "x"],
)
def test_k1_a_foreign_host_is_refused(world: World, host: str) -> None:
    """As a name that its owner lets point to 127.0.0.1 would send it, however it is signed."""
    host = host.format(port=urlsplit(world.aws.endpoint).port)
    body = launch(world)
    assert ask(world, "POST", "/", body, **{**signed(world, body, host or "x"), "Host": host})[0] == 403
    assert ask(world, "GET", "/_embedded/instances", Host=host, X_Embedded_Token=world.aws.key.secret)[0] == 403
    assert instances(world) == 0


@pytest.mark.parametrize(
    "host",
    ["localhost:{port}", "127.0.0.1:1", "ec2.us-east-1.amazonaws.com", "ec2.us-east-1.amazonaws.com:443"],
)
def test_k1_the_hosts_of_aws_and_localhost_are_answered(world: World, host: str) -> None:
    """Where the request is signed; the control API is at the loopback names alone."""
    host = host.format(port=urlsplit(world.aws.endpoint).port)
    body = "Action=DescribeInstances&Version=2016-11-15"
    assert ask(world, "POST", "/", body, **signed(world, body, host))[0] == 200
    assert ask(world, "POST", "/", body, **FORM, Host=host)[0] == 403
    status, _, _ = ask(world, "GET", "/_embedded/calls", Host=host, X_Embedded_Token=world.aws.key.secret)
    assert status == (403 if host.startswith("ec2") else 200)


def test_k1_no_answer_may_be_read_by_a_page(world: World) -> None:
    """No CORS header is on a right answer, of moto's neither."""
    body = "Action=DescribeRegions&Version=2016-11-15"
    status, headers, _ = ask(world, "POST", "/", body, **signed(world, body))
    assert status == 200
    assert not [name for name in headers if name.startswith("access-control")]


def test_k1_the_control_api_needs_the_secret(world: World) -> None:
    """Nothing is told or done without; an instance's own token does to it what its commands do, and no more."""
    first, second = world.launch("#!/bin/sh\nenv >env\n"), world.launch()
    for token in ("", "embedded", world.aws.key.key_id):
        assert ask(world, "GET", "/_embedded/instances", X_Embedded_Token=token)[0] == 401
        assert ask(world, "POST", f"/_embedded/instances/{first}/poweroff", "{}", X_Embedded_Token=token)[0] == 401
        assert ask(world, "POST", "/_embedded/iam", '{"enforced": false}', X_Embedded_Token=token)[0] == 401
    own = urlsplit(world.metadata_service(first)).path.rpartition(".")[2]
    assert ask(world, "POST", f"/_embedded/instances/{second}/poweroff", "{}", X_Embedded_Token=own)[0] == 401
    assert ask(world, "GET", "/_embedded/instances", X_Embedded_Token=own)[0] == 401
    assert ask(world, "POST", f"/_embedded/instances/{first}/poweroff", "{}", X_Embedded_Token=own)[0] == 200


def test_k1_the_metadata_service_answers_its_instance_alone(world: World) -> None:
    """Who knows the id alone gets no token of it, and so no credentials of its role; arguments tell it to nobody."""
    instance = world.launch("#!/bin/sh\nexec sleep 600\n")
    wait_until(lambda: world.record(instance)["pid"])
    ttl = {"X_aws_ec2_metadata_token_ttl_seconds": "60"}
    assert ask(world, "PUT", f"/_embedded/imds/{instance}/latest/api/token", **ttl)[0] == 404
    assert ask(world, "PUT", f"/_embedded/imds/{instance}.guess/latest/api/token", **ttl)[0] == 404
    url = urlsplit(world.metadata_service(instance))
    assert ask(world, "PUT", f"{url.path}/latest/api/token", **ttl)[0] == 200
    token = url.path.rpartition(".")[2]
    arguments = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in arguments if token.encode() in line or world.aws.key.secret.encode() in line]


def test_k1_the_role_of_an_instance_has_a_secret_of_its_own(world: World) -> None:
    """What the metadata service hands out signs, and what it used to hand out does not."""
    import boto3

    world.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
    world.client("iam").create_instance_profile(InstanceProfileName="profile")
    world.client("iam").add_role_to_instance_profile(InstanceProfileName="profile", RoleName="role")
    instance = world.launch(IamInstanceProfile={"Name": "profile"})
    path = urlsplit(world.metadata_service(instance)).path
    token = ask(world, "PUT", f"{path}/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="60")[2]
    folder = f"{path}/latest/meta-data/iam/security-credentials"
    role = ask(world, "GET", f"{folder}/", X_aws_ec2_metadata_token=token)[2]
    handed = json.loads(ask(world, "GET", f"{folder}/{role}", X_aws_ec2_metadata_token=token)[2])
    keys = {"aws_access_key_id": handed["AccessKeyId"], "aws_secret_access_key": handed["SecretAccessKey"]}
    options: dict[str, Any] = {"endpoint_url": world.aws.endpoint, "region_name": "us-east-1"}
    sts = boto3.client("sts", **options, **keys, aws_session_token=handed["Token"])
    assert sts.get_caller_identity()["Account"] == "123456789012"
    for wrong in ({**keys, "aws_secret_access_key": "embedded"}, keys, {**keys, "aws_session_token": "embedded"}):
        assert world.error(boto3.client("sts", **options, **wrong).get_caller_identity)[1] == 403


def test_k1_made_up_keys_of_another_process_launch_nothing(world: World) -> None:
    """Any process of this machine reaches the port."""
    existing = world.launch("#!/bin/sh\nexec sleep 600\n")
    assert stranger(world, existing, []) == REFUSED
    assert instances(world) == 1
    assert world.state(existing) in {"pending", "running"}


def test_k1_another_users_processes_launch_nothing(world: World) -> None:
    """Nor do they see what the instances' folders hold."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root, with setpriv, can act as another user here")
    existing = world.launch("#!/bin/sh\nexec sleep 600\n")
    directory = wait_until(lambda: world.record(existing)["pid"] and world.record(existing)["directory"])
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*nobody, sys.executable, "-c", "import boto3"], check=False, capture_output=True).returncode:
        pytest.skip("user 65534 may not run this Python")
    assert stranger(world, existing, nobody) == REFUSED
    assert subprocess.run([*nobody, "ls", directory], check=False, capture_output=True).returncode != 0
    assert instances(world) == 1


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is one")
def test_k1_a_page_in_a_browser_launches_nothing(world: World) -> None:
    """Neither by what a page may post without being asked, nor by what a browser asks for first."""
    script = f"""
        const done = arguments[arguments.length - 1], url = {json.dumps(world.aws.endpoint)} + "/";
        const body = {json.dumps(launch(world))};
        const method = "POST", form = {{"content-type": "application/x-www-form-urlencoded"}}, tries = [
            fetch(url, {{method, mode: "no-cors", headers: form, body}}),
            fetch(url + "?{CREDENTIAL.replace("/", "%2F")}", {{method, headers: form, body}}),
            fetch(url, {{method, headers: {{...form, "authorization": {json.dumps(MADE_UP)}}}, body}}),
            fetch(url + "_embedded/instances"),
        ];
        Promise.allSettled(tries).then(all => Promise.all(all.map(
            one => one.status === "rejected" ? "refused" : one.value.text())).then(done));
    """
    with page() as address, browser.chromium() as driver:
        driver.get(address)
        answers = driver.execute_async_script(script)
    assert answers == ["", "refused", "refused", "refused"]
    assert instances(world) == 0


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here goes by one."""
    monkeypatch.setenv("NO_PROXY", "*")


def stranger(world: World, instance: str, before: list[str]) -> list[str]:
    """What a process gets that knows the endpoint, an image, an instance and the key's id, and has its own keys."""
    arguments = [world.aws.endpoint, world.ami(), instance, world.aws.key.key_id]
    done = subprocess.run(
        [*before, sys.executable, "-c", STRANGER, *arguments],
        cwd="/", env={"PATH": os.environ["PATH"], "NO_PROXY": "*"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@contextmanager
def page() -> Iterator[str]:
    """A site of another origin; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>any page</title>")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()

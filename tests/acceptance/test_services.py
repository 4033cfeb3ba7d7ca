"""Benchmarks of managed services by pytest's own command line, against an embedded AWS that stands for the account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark_aws.embedded.server import EmbeddedAWS

TEST = """
import pytest

@pytest.mark.aws_service("polly", price="polly.neural", units=100)
def test_speak(aws_service):
    audio = aws_service("polly").time(
        lambda polly: polly.synthesize_speech(
            Text="x" * 100, VoiceId="Joanna", Engine="neural", OutputFormat="pcm")["AudioStream"].read(),
        {"operation": "SynthesizeSpeech"})
    assert 6 < len(audio) / 32_000 < 7

@pytest.mark.aws_service("forecast")
def test_forecast(aws_service):
    aws_service("forecast")
"""
OF_SERVICES = {"SynthesizeSpeech"}


@pytest.fixture
def account(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAWS]:
    """An embedded AWS that the environment names, as it would an account."""
    pytest.importorskip("moto", reason="the embedded AWS needs moto")
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS

    with EmbeddedAWS(tmp_path / "aws") as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        yield aws


def calls(aws: EmbeddedAWS) -> list[str]:
    """The actions that were asked for."""
    return [call["action"] for call in aws.control("calls")]


@pytest.mark.parametrize(
    "options",
    [
        ("--aws-max-cost=0.01",),
        ("--aws-price=polly.neural=1",),
        ("--aws-service-rounds=1000", "--aws-max-cost=1"),
    ],
)
def test_over_the_cap_nothing_is_asked(
    pytester: pytest.Pytester, account: EmbeddedAWS, options: tuple[str, ...]
) -> None:
    """By the shipped prices or by yours: exit code 4, the sum, the cap, and no request at all."""
    pytester.makepyfile(test_it=TEST)
    done = pytester.runpytest_subprocess("--aws", "--aws-target=cloud", *options)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*1 benchmark of managed services*could cost*--aws-max-cost allows*nothing was asked*"])
    assert calls(account) == []


def test_launches_and_requests_over_the_cap_together_are_refused_before_any_of_them(
    pytester: pytest.Pytester, account: EmbeddedAWS
) -> None:
    """Each alone is within it: 0.03 USD of requests, 0.11 of an instance."""
    launched = '@pytest.mark.instance_type("m5.large")\ndef test_train(benchmark): benchmark(sorted, [1])\n'
    pytester.makepyfile(test_it=f"{TEST}\n{launched}")
    done = pytester.runpytest_subprocess("--aws", "--aws-target=cloud", "--aws-max-cost=0.13")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(
        [
            "*the plan could cost 0.11 USD and the benchmarks of managed services 0.03 USD, together 0.15 USD, "
            "--aws-max-cost allows 0.13: *nothing was launched"
        ]
    )
    assert not {"RunInstances", *OF_SERVICES} & set(calls(account))


def test_dry_run_says_the_requests_and_asks_none(pytester: pytest.Pytester, account: EmbeddedAWS) -> None:
    """How many requests, the most that they cost, and the cap."""
    pytester.makepyfile(test_it=TEST)
    done = pytester.runpytest_subprocess("--aws", "--aws-target=cloud", "--aws-dry-run")
    assert done.ret == pytest.ExitCode.OK
    said = "aws: 1 benchmark of managed services, 21 requests from here, at most *USD; --aws-max-cost is *"
    done.stdout.fnmatch_lines([said, "nothing asked"])
    assert calls(account) == []


def test_throttled_run_backs_off_counts_and_ends(pytester: pytest.Pytester, account: EmbeddedAWS) -> None:
    """Each region is a case; throttled attempts are counted apart from errors; what is withdrawn is skipped."""
    account.control("service", {"service": "polly", "requests_a_second": 20, "burst": 2})
    account.control("faults", {"action": "SynthesizeSpeech", "code": "ServiceFailureException", "status": 500})
    pytester.makepyfile(test_it=TEST)
    done = pytester.runpytest_subprocess(
        "--aws", "--aws-target=cloud", "--aws-regions=us-east-1,eu-west-1", "--aws-service-rounds=6",
        "--benchmark-json=result.json", "-rs",
    )  # fmt: skip
    done.assert_outcomes(passed=2, skipped=2)
    done.stdout.fnmatch_lines(
        ["*Amazon Forecast has been closed to new customers since 2024-07-31*", "*managed services*"]
    )
    done.stdout.fnmatch_lines(["test_speak?us-east-1?*embedded us-east-1*1.6*0.000016 per character*", "embedded: *"])
    benchmarks = json.loads((pytester.path / "result.json").read_text())["benchmarks"]
    infos = {bench["extra_info"]["region"]: bench["extra_info"] for bench in benchmarks}
    assert set(infos) == {"us-east-1", "eu-west-1"}
    for info in infos.values():
        assert (info["requests"], len(info["latencies_s"]), info["given_up"]) == (6, 6, 0)
        assert info["attempts"] == 6 + info["throttled"] + info["errors"]
        assert info["p50_s"] <= info["p95_s"] <= info["p99_s"]
        assert info["bytes_in"] > 200_000
        assert info["embedded"]
        assert "botocore" in info["sdk"]
    assert sum(info["throttled"] for info in infos.values()) > 0
    here, there = infos["us-east-1"], infos["eu-west-1"]
    assert (here["usd_per_request"], here["usd_per_1000"]) == pytest.approx((0.0016, 1.6))
    assert here["price_source"].startswith("Price List AmazonPolly us-east-1")
    assert here["price_date"] == "2026-10-07"
    assert (there["price_source"], "usd_per_request" in there) == ("not confirmed", False)


def test_missing_right_names_the_policy(pytester: pytest.Pytester, account: EmbeddedAWS) -> None:
    """A denied request fails the benchmark with the command that prints the least policy."""
    account.control(
        "faults", {"action": "SynthesizeSpeech", "code": "AccessDeniedException", "message": "no", "times": 9}
    )
    pytester.makepyfile(test_it=TEST)
    done = pytester.runpytest_subprocess("--aws", "--aws-target=cloud", "-k", "speak", "--aws-region=eu-west-1",
                                         "--aws-price=polly.neural=0.000016")  # fmt: skip
    done.assert_outcomes(failed=1, deselected=1)
    done.stdout.fnmatch_lines(["*pytest-benchmark-aws policy services --only polly --region eu-west-1*"])
    assert calls(account).count("SynthesizeSpeech") == 1


GIVEN_UP = """
import pytest
from botocore.exceptions import ClientError

@pytest.mark.aws_service("polly", price="polly.neural", units=100)
def test_speak(aws_service):
    asked = []
    def speak(polly):
        asked.append(1)
        if len(asked) > 3:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slower"}}, "SynthesizeSpeech")
        return polly.synthesize_speech(
            Text="x" * 100, VoiceId="Joanna", Engine="neural", OutputFormat="pcm")["AudioStream"].read()
    aws_service("polly").time(speak)
    assert len(asked) == 6

@pytest.mark.aws_service("polly", price="polly.neural", units=100)
def test_from_a_bucket(aws_service):
    polly = aws_service("polly")
    with polly.explained():
        polly.other("s3").list_buckets()
"""


def test_rounds_that_are_saved_are_answers_alone(pytester: pytest.Pytester, account: EmbeddedAWS) -> None:
    """Neither a request that was given up nor one that was not made any more; another service's denial is explained."""
    account.control("faults", {"action": "ListBuckets", "code": "AccessDenied", "message": "no", "times": 9})
    pytester.makepyfile(test_it=GIVEN_UP)
    done = pytester.runpytest_subprocess(
        "--aws", "--aws-target=cloud", "--aws-service-rounds=8", "--benchmark-json=result.json"
    )
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*AccessDenied*pytest-benchmark-aws policy services --only polly*"])
    [bench] = json.loads((pytester.path / "result.json").read_text())["benchmarks"]
    info, stats = bench["extra_info"], bench["stats"]
    assert (info["requests"], info["given_up"], len(info["latencies_s"])) == (5, 3, 2)
    assert (stats["rounds"], stats["min"]) == (2, pytest.approx(min(info["latencies_s"]), rel=0.5))
    assert calls(account).count("ListBuckets") == 1


def test_without_aws_an_account_is_not_asked(pytester: pytest.Pytester, account: EmbeddedAWS) -> None:
    """A session without --aws asks embedded AWS of its own, whatever the environment or the ini file names."""
    pytester.makepyfile(test_it=TEST)
    pytester.makeini("[pytest]\naws_target = cloud\naws_service_rounds = 2\n")
    done = pytester.runpytest_subprocess("-k", "speak")
    done.assert_outcomes(passed=1, deselected=1)
    done.stdout.fnmatch_lines(["test_speak*embedded us-east-1*"])
    assert calls(account) == []


def test_marks_that_cannot_be_used(pytester: pytest.Pytester) -> None:
    """Each is refused with what to write, all at once."""
    marks = ("'polly', price='polly.loud'", "'polly', units=0", "", "'polly', cost=3", "'polly', rounds=0")
    tests = "".join(
        f"@pytest.mark.aws_service({mark})\ndef test_{number}(aws_service): pass\n" for number, mark in enumerate(marks)
    )
    pytester.makepyfile(test_it=f"import pytest\n{tests}")
    done = pytester.runpytest_subprocess()
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    for number in range(len(marks)):
        done.stderr.fnmatch_lines([f"*test_it.py::test_{number}: aws_service*"])


MISUSED = """
import pytest

def speak(polly):
    how = {"VoiceId": "Joanna", "Engine": "neural", "OutputFormat": "pcm"}
    return polly.synthesize_speech(Text="x" * 100, **how)["AudioStream"].read()

pytestmark = pytest.mark.aws_service("polly", price="polly.neural", units=100)

def test_twice(aws_service):
    aws_service("polly").time(speak)
    aws_service("polly").time(speak)

def test_nested(aws_service):
    polly = aws_service("polly")
    polly.time(lambda client: polly.time(speak))

def test_after_another(benchmark, aws_service):
    benchmark(sorted, [1])
    aws_service("polly").time(speak)

def test_nothing(aws_service):
    aws_service("polly").time(lambda client: 3)
"""


def test_what_is_timed_is_one_request(pytester: pytest.Pytester, account: EmbeddedAWS) -> None:
    """A second one would be in no cap and is not asked; one that sends nothing has no time and no USD per 1,000."""
    pytester.makepyfile(test_it=MISUSED)
    pytester.makepyprojecttoml('[project]\nname = "it"\n')
    done = pytester.runpytest_subprocess("--aws", "--aws-target=cloud", "--aws-service-rounds=2", "--tb=short")
    done.assert_outcomes(failed=4)
    for name in ("twice", "nested", "after_another"):
        done.stdout.fnmatch_lines([f"E *test_{name} times more than one request: give each a test of its own*"])
    done.stdout.fnmatch_lines(["E *test_nothing sent nothing to polly: time a function that calls the client*"])
    assert "test_nothing " not in done.stdout.str().partition("- managed services -")[2]
    assert calls(account).count("SynthesizeSpeech") == 3  # all of test_twice, with its warm-up


def test_options_that_cannot_be_read_end_the_session_in_a_line(pytester: pytest.Pytester) -> None:
    """Without --aws too; a module of services does not turn them into an error of its collection."""
    pytester.makepyfile(test_it=TEST)
    for wrong in ("--aws-service-rounds=0", "--aws-regions=,", "--aws-max-cost=nan"):
        done = pytester.runpytest_inprocess(wrong)
        assert done.ret == pytest.ExitCode.USAGE_ERROR
        done.stderr.fnmatch_lines([f"ERROR: {wrong}: give *"])
        assert "Traceback" not in done.stdout.str() + done.stderr.str()
        assert "ERROR test_it.py" not in done.stdout.str()


def test_no_way_to_the_account_ends_the_session(
    pytester: pytest.Pytester, account: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first benchmark, in a line, with exit code 4; no test fails, and no other one is asked."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(test_it=TEST)
    done = pytester.runpytest_subprocess("--aws", "--aws-target=cloud", "-k", "speak")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stdout.fnmatch_lines(["*aws: no region: give --aws-region, or set AWS_REGION*"])
    assert "Traceback" not in done.stdout.str()
    assert "FAILED" not in done.stdout.str()
    assert calls(account) == []


@pytest.mark.parametrize(
    ("test", "option", "sentence"),
    [
        (TEST, "--aws-service-rounds=0", "--aws-service-rounds=0: give a whole number from 1 to 1000"),
        (TEST.replace("units=100", "units=0"), "-v", "aws_service: units is 0, give what one request is billed for"),
    ],
)
def test_workers_say_what_is_refused(pytester: pytest.Pytester, test: str, option: str, sentence: str) -> None:
    """And the controller does not end with an assertion of its own."""
    pytest.importorskip("xdist", reason="workers are xdist's")
    pytester.makepyfile(test_it=test)
    done = pytester.runpytest_subprocess("-p", "xdist", "-n", "1", "-k", "speak", option)
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines([f"*{sentence}*"])
    assert "INTERNALERROR" not in done.stdout.str() + done.stderr.str()

"""The evaluation of policies, by IAM's rules."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_benchmark_aws.embedded.iam.policy_evaluation import Question, verdict


def policy(effect: str = "Allow", condition: dict[str, Any] | None = None, **elements: Any) -> dict[str, Any]:
    """A policy of one statement, on everything unless told otherwise."""
    statement = {"Effect": effect, "Action": "*", "Resource": "*", **elements}
    if condition is not None:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def holds(condition: dict[str, Any], **context: list[str]) -> bool:
    """Whether an Allow with that condition allows a call of that context; ``a_b`` is ``a:b``."""
    asked = Question("x:Y", context={key.replace("_", ":"): values for key, values in context.items()})
    return verdict([policy(condition=condition)], asked) == "allowed"


def test_nothing_is_allowed_by_itself() -> None:
    """Without a statement that applies the answer is no."""
    assert verdict([], Question("s3:GetObject")) == "implicitly denied"
    assert verdict([policy(Action="s3:PutObject")], Question("s3:GetObject")) == "implicitly denied"


def test_a_deny_is_above_all_allows() -> None:
    """In whatever policy it is."""
    assert verdict([policy(), policy("Deny", Action="s3:*")], Question("s3:GetObject")) == "explicitly denied"
    assert verdict([policy(), policy("Deny", Action="s3:*")], Question("ec2:RunInstances")) == "allowed"


def test_an_allow_whose_condition_fails_is_no_deny() -> None:
    """Another statement may allow it: where moto's own evaluation says no."""
    never = policy(condition={"StringEquals": {"a:b": "c"}})
    assert verdict([never, policy()], Question("x:Y")) == "allowed"


@pytest.mark.parametrize(
    ("pattern", "resource", "same"),
    [
        ("arn:aws:s3:::mine/*", "arn:aws:s3:::mine/a/b", True),
        ("arn:aws:s3:::mine/*", "arn:aws:s3:::mine", False),
        ("arn:aws:s3:::mine", "arn:aws:s3:::mine-too", False),
        ("arn:aws:s3:::mine/?", "arn:aws:s3:::mine/ab", False),
        ("arn:aws:s3:::mine.b", "arn:aws:s3:::minexb", False),
        ("arn:aws:s3:::Mine", "arn:aws:s3:::mine", False),
    ],
)
def test_resources_match_whole_with_wildcards_and_case(pattern: str, resource: str, same: bool) -> None:
    """``*`` and ``?`` are wildcards, all else is itself."""
    answer = verdict([policy(Resource=[pattern])], Question("s3:GetObject", resource))
    assert (answer == "allowed") == same


def test_actions_have_no_case() -> None:
    """IAM's actions match in any case."""
    assert verdict([policy(Action="S3:getobject")], Question("s3:GetObject")) == "allowed"


def test_not_action_and_not_resource_are_all_others() -> None:
    """NotAction and NotResource."""
    others = {"Effect": "Allow", "NotAction": "s3:*", "NotResource": "arn:mine"}
    assert verdict([{"Statement": others}], Question("ec2:X", "arn:other")) == "allowed"
    assert verdict([{"Statement": others}], Question("s3:X", "arn:other")) == "implicitly denied"
    assert verdict([{"Statement": others}], Question("ec2:X", "arn:mine")) == "implicitly denied"


def test_of_a_keys_values_one_is_enough_and_all_keys_are_needed() -> None:
    """OR among values, AND among keys and operators."""
    either = {"StringEquals": {"a:b": ["x", "y"]}}
    assert holds(either, a_b=["y"])
    assert not holds(either, a_b=["z"])
    both = {"StringEquals": {"a:b": "x", "c:d": "y"}}
    assert holds(both, a_b=["x"], c_d=["y"])
    assert not holds(both, a_b=["x"])


@pytest.mark.parametrize(
    ("condition", "absent", "same", "other"),
    [
        ({"StringEquals": {"a:b": "x"}}, False, True, False),
        ({"StringLike": {"a:b": "?"}}, False, True, True),
        ({"ArnLike": {"A:B": "x*"}}, False, True, False),
        ({"StringNotEquals": {"a:b": "x"}}, True, False, True),
        ({"StringEqualsIfExists": {"a:b": "x"}}, True, True, False),
        ({"Null": {"a:b": "true"}}, True, False, False),
        ({"Null": {"a:b": False}}, False, True, True),
        ({"ForAllValues:StringEquals": {"a:b": "x"}}, True, True, False),
        ({"ForAnyValue:StringEquals": {"a:b": "x"}}, False, True, False),
    ],
)
def test_operators(condition: dict[str, Any], absent: bool, same: bool, other: bool) -> None:
    """Each with the key absent, with its value, and with another."""
    assert (holds(condition), holds(condition, a_b=["x"]), holds(condition, a_b=["z"])) == (absent, same, other)


def test_bool_has_no_case_and_takes_json() -> None:
    """``true`` and ``"True"`` are the same."""
    assert holds({"Bool": {"a:b": True}}, a_b=["True"])
    assert not holds({"Bool": {"a:b": True}}, a_b=["false"])


def test_several_values_with_a_quantifier() -> None:
    """All of them, or any."""
    assert not holds({"ForAllValues:StringEquals": {"a:b": "x"}}, a_b=["x", "z"])
    assert holds({"ForAnyValue:StringEquals": {"a:b": "x"}}, a_b=["x", "z"])


@pytest.mark.parametrize(
    "broken",
    [
        policy(condition={"DateLessThan": {"a:b": "x"}}),
        policy(Resource="arn:aws:s3:::${aws:username}"),
        policy(Principal="*"),
    ],
)
def test_what_is_not_understood_is_no_answer(broken: dict[str, Any]) -> None:
    """An operator, a variable or an element that the evaluation lacks is an error, not a guess."""
    with pytest.raises(ValueError, match="not understood"):
        verdict([broken], Question("x:Y", context={"a:b": ["x"]}))

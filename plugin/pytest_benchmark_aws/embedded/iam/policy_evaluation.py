"""Whether identity-based IAM policies allow an action.

Ours, not moto's: moto 5 takes an Allow whose condition does not hold for a Deny, and has no request context. After the
IAM User Guide: "Policy evaluation logic", "IAM JSON policy elements: Action", "... Resource", "... Condition operators"
and "Multivalued context keys". Permission boundaries, session policies, service control policies, resource-based
policies and policy variables are not here: a policy that uses a variable is refused loudly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

Policy = Mapping[str, Any]
Context = Mapping[str, Sequence[str]]
Verdict = Literal["allowed", "implicitly denied", "explicitly denied"]


@dataclass(frozen=True, slots=True)
class Question:
    """Whether one action on one resource is allowed; an API call asks one or several, and needs a yes to each."""

    action: str
    """As in ``ec2:RunInstances``."""
    resource: str = "*"
    """An ARN, or ``*`` for an action that has no resource."""
    context: Context = field(default_factory=dict)
    """Condition key -> its values; a key that the request does not have is absent."""


def verdict(policies: Iterable[Policy], question: Question) -> Verdict:
    """What policies say to a question: an explicit deny wins over an allow, and without an allow all is denied.

    Raises:
        ValueError: a policy has an element that is not understood here.
    """
    statements = [statement for policy in policies for statement in _listed(policy["Statement"])]
    effects = {statement["Effect"] for statement in statements if _applies(statement, question)}
    if "Deny" in effects:
        return "explicitly denied"
    return "allowed" if "Allow" in effects else "implicitly denied"


def _applies(statement: Mapping[str, Any], question: Question) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
    if unknown:
        raise ValueError(f"a policy's {', '.join(sorted(unknown))} is not understood")
    action = any(_like(pattern.lower(), question.action.lower()) for pattern in _patterns(statement, "Action"))
    resource = any(_like(pattern, question.resource) for pattern in _patterns(statement, "Resource"))
    return (
        action != ("NotAction" in statement)
        and resource != ("NotResource" in statement)
        and _conditions_hold(statement.get("Condition", {}), question.context)
    )


def _patterns(statement: Mapping[str, Any], name: str) -> list[str]:
    """The patterns of a statement's ``Action`` or ``NotAction``, ``Resource`` or ``NotResource``."""
    return _listed(statement[name] if name in statement else statement[f"Not{name}"])


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether all operators hold for all their keys; of a key's wanted values one is enough."""
    request_values = {key.lower(): list(values) for key, values in context.items()}  # names of keys have no case
    return all(
        _holds(operator, [_text(value) for value in _listed(wanted)], request_values.get(key.lower()))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, wanted: list[str], values: list[str] | None) -> bool:
    """Whether a condition operator holds for a key; ``values`` are the request's, None where it lacks the key."""
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        return (values is None) == (wanted[0].lower() == "true")
    name, if_exists = name.removesuffix("IfExists"), name.endswith("IfExists")
    negated = name.replace("Not", "") if "Not" in name else ""
    compare = _OPERATORS.get(negated or name)
    if compare is None or quantifier not in {"", "ForAllValues", "ForAnyValue"}:
        raise ValueError(f"the condition operator {operator} is not understood")
    if values is None:
        # An absent key matches nothing, so the negated operators hold; ForAllValues holds of nothing.
        return if_exists or quantifier == "ForAllValues" or (bool(negated) and not quantifier)
    matches = [any(compare(pattern, value) for pattern in wanted) != bool(negated) for value in values]
    # Without a quantifier a key has one value.
    return all(matches) if quantifier == "ForAllValues" or negated else any(matches)


def _like(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern with ``*`` and ``?`` as a regular expression.

    The ARNs of this project have no wildcard before their last part, so colons need no care.
    """
    if "${" in pattern:
        raise ValueError(f"policy variables are not understood: {pattern}")
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(character) or re.escape(character) for character in pattern), re.DOTALL)


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda pattern, value: pattern == value,
    "StringEqualsIgnoreCase": lambda pattern, value: pattern.lower() == value.lower(),
    "StringLike": _like,
    "ArnEquals": _like,  # the User Guide: ArnEquals and ArnLike behave identically
    "ArnLike": _like,
    "NumericEquals": lambda pattern, value: float(value) == float(pattern),
    "NumericLessThan": lambda pattern, value: float(value) < float(pattern),
    "NumericLessThanEquals": lambda pattern, value: float(value) <= float(pattern),
    "NumericGreaterThan": lambda pattern, value: float(value) > float(pattern),
    "NumericGreaterThanEquals": lambda pattern, value: float(value) >= float(pattern),
    "Bool": lambda pattern, value: pattern.lower() == value.lower(),
}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

"""What a case is called at any amount of work: its node id without the part of the parameter that scales it.

pytest joins the ids of a test's parameters with dashes, in the parameters' order, and an id is what the user says it
is: values alone do not tell tests apart, as functions have their address in their text, and ``1`` and ``"1"`` have the
same one. So nothing is put together from values here; one part is cut out of the id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def split_id(fullname: str) -> tuple[str, str | None]:
    """The function's node id, and what stands in brackets behind it; None of a test without parameters.

    Folders may have brackets in their names, functions have none: those of the id are the first behind the file's name.
    """
    start = fullname.find("[", max(0, fullname.find("::")))
    if start < 0 or not fullname.endswith("]"):
        return fullname, None
    return fullname[:start], fullname[start + 1 : -1]


def without_parameter(fullname: str, params: Mapping[str, object], name: str) -> str | None:
    """The node id without the part of one parameter; None where nobody can tell which part that is.

    The part is the value's text, between dashes. Where that text stands in the id more than once, the parameters'
    order and the other values' texts must say which one it is. Where it is not in the id, as the value has an id of
    the user's, the others' texts must leave one part that can only be its own. Ids of different tests therefore never
    come to the same, but where the ids that a user gave are put together as other values' texts would be.

    Args:
        fullname: as it is on every machine, without the instance type.
        params: all parameters in the order of their ids.
        name: of the parameter whose part is cut out.
    """
    function, inside = split_id(fullname)
    if inside is None or len(params) == 1:
        return function
    place = list(params).index(name)
    for texts in _texts(params):
        rest = _without_part(inside, texts[:place], texts[place], texts[place + 1 :])
        if rest is not None:
            return f"{function}[{rest}]"
    return None


def _texts(params: Mapping[str, object]) -> list[list[str]]:
    """The values' texts, and as pytest writes them where they are not ASCII."""
    plain = [str(value) for value in params.values()]
    escaped = [text.encode("unicode_escape").decode("ascii") for text in plain]
    return [plain] if escaped == plain else [plain, escaped]


def _without_part(inside: str, head: Sequence[str], own: str, tail: Sequence[str]) -> str | None:
    before, after = "".join(f"{text}-" for text in head), "".join(f"-{text}" for text in tail)
    end = len(inside) - len(after)
    first, last = (find(f"-{own}-") for find in (f"-{inside}-".find, f"-{inside}-".rfind))
    if first < 0:
        fits = inside.startswith(before) and inside.endswith(after) and len(before) <= end
        return _cut(inside, len(before), end) if fits and "-" not in inside[len(before) : end] else None
    if not head and first == 0:
        return _cut(inside, 0, len(own))
    if not tail and last + len(own) == len(inside):
        return _cut(inside, last, len(inside))
    if inside == f"{before}{own}{after}":
        return _cut(inside, len(before), end)
    rest = _cut(inside, first, first + len(own))
    # The same by the last of them: nothing but repetitions lies between, and each of them leaves the same.
    return rest if rest == _cut(inside, last, last + len(own)) else None


def _cut(inside: str, start: int, end: int) -> str:
    """The id without what lies there, and without one of the dashes around it."""
    return inside[: start - 1] + inside[end:] if start else inside[end + 1 :]

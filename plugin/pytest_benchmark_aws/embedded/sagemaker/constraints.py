"""The constraints of botocore's model of SageMaker, in the words in which AWS refuses what does not meet them.

boto3 looks at types, at what is required and at least lengths alone; patterns, enumerations and longest lengths are
SageMaker's to check. The words are as in sagify issue 57.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, StringShape, StructureShape

from pytest_benchmark_aws.embedded.aws_error import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape


@cache
def service_model() -> ServiceModel:
    """The model of SageMaker in botocore."""
    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")


@cache
def instance_types() -> tuple[str, ...]:
    """The types that training jobs may name, such as ``ml.m5.xlarge``."""
    shape = service_model().shape_for("TrainingInstanceType")
    assert isinstance(shape, StringShape)
    return tuple(shape.enum)


def check(operation: str, document: dict[str, Any]) -> None:
    """Refuses a request that does not meet the constraints of its operation, naming all that it does not meet."""
    shape = service_model().operation_model(operation).input_shape
    unmet = [] if shape is None else list(problems(shape, document, ""))
    if unmet:
        plural = "s" if len(unmet) > 1 else ""
        raise AwsError("ValidationException", f"{len(unmet)} validation error{plural} detected: {'; '.join(unmet)}")


def problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """What of a value does not meet the constraints of its shape, in AWS's words."""
    if isinstance(shape, StructureShape):
        yield from _structure_problems(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _size(shape, value, len(value), path)
        for number, item in enumerate(value, start=1):
            yield from problems(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        yield from _size(shape, value, len(value), path)
        for key, item in value.items():
            yield from problems(shape.key, key, path)
            yield from problems(shape.value, item, f"{path}.{key}.member")
    elif isinstance(shape, StringShape):
        yield from _string_problems(shape, value, path)
    elif isinstance(value, bytes):
        yield from _size(shape, "java.nio.HeapByteBuffer", len(value), path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _size(shape, value, value, path, what="value")


def _structure_problems(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield _said(None, _below(path, _camel(name)), "Member must not be null")
    for name, member in shape.members.items():
        if name in value:
            yield from problems(member, value[name], _below(path, _camel(name)))


def _string_problems(shape: StringShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _said(value, path, "Member must be a string")
        return
    if shape.enum and value not in shape.enum:
        yield _said(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
        return
    sizes = list(_size(shape, value, len(value), path))
    yield from sizes
    pattern = shape.metadata.get("pattern")
    # A pattern is looked at in what has a right length alone: some of the patterns take long over long texts.
    if pattern is not None and not sizes and _compiled(pattern).fullmatch(value) is None:
        yield _said(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _size(shape: Shape, value: Any, size: float, path: str, what: str = "length") -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _said(value, path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield _said(value, path, f"Member must have {what} less than or equal to {most}")


def _said(value: Any, path: str, rule: str) -> str:
    text = "null" if value is None else f"'{value}'"
    return f"Value {text} at '{path}' failed to satisfy constraint: {rule}"


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the model, whose Java classes Python's expressions do not have."""
    classes = (
        (r"\P{M}\p{M}", r"\s\S"),
        (r"\p{Alnum}", "a-zA-Z0-9"),
        (r"\p{L}", r"\w"),
        (r"\p{Z}", r"\s"),
        (r"\p{N}", r"\d"),
    )
    for java, python in classes:
        pattern = pattern.replace(java, python)
    return re.compile(pattern)

"""Names of instance types and of groups of them, as a person writes them."""

from __future__ import annotations

import pytest

from pytest_benchmark_aws.core.instance_type_names import is_meant


@pytest.mark.parametrize(
    ("name", "wanted", "meant"),
    [
        ("c5.large", "c5.large", True),
        ("c5.large", "c5.*", True),
        ("c5.large ×2", "c5.large-x2", True),
        ("c5.large ×2", "*-x2", True),
        ("c5.large ×2", "c5.large ×2", True),
        ("test_it[a]", "test_it[a]", True),
        ("c5.large ×2", "c5.large", False),
        ("c5.large", "", False),
    ],
)
def test_name_is_meant_by_itself_a_pattern_or_as_its_tests_are_named(name: str, wanted: str, meant: bool) -> None:
    """The same in filters and in references."""
    assert is_meant(name, wanted) == meant

"""Which URLs name a shared storage, and which keys of it may become files."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.values.storage_url import LARGEST, StorageUrl, refusal


@pytest.mark.parametrize(
    ("text", "bucket", "prefix", "owner"),
    [
        ("s3://team", "team", "", None),
        ("s3://team/", "team", "", None),
        ("s3://team.x-1/a/b_c.d", "team.x-1", "a/b_c.d", None),
        ("s3://team/a/", "team", "a", None),
        ("s3://team/a?owner=111122223333", "team", "a", "111122223333"),
    ],
)
def test_a_url_has_a_bucket_a_prefix_and_perhaps_an_owner(
    text: str, bucket: str, prefix: str, owner: str | None
) -> None:
    """A slash at the end means nothing."""
    assert StorageUrl.parse(text) == StorageUrl(bucket, prefix, owner)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("s3://", "'' is no bucket's name"),
        ("s3:///a", "'' is no bucket's name"),
        ("s3://Team/a", "'Team' is no bucket's name"),
        ("s3://te am", "'te am' is no bucket's name"),
        ("s3://a..b", "is no bucket's name"),
        ("s3://10.0.0.1/a", "is no bucket's name"),
        ("s3://team/../etc", "the prefix's part '..'"),
        ("s3://team//a", "the prefix's part ''"),
        ("s3://team/a/.hidden", "the prefix's part '.hidden'"),
        ("s3://team/a*", r"the prefix's part 'a\*'"),
        ("s3://team/a#b", "the prefix's part 'a#b'"),
        ("s3://team/" + "a" * 513, "513 characters, 512 at most"),
        ("s3://team/a?owner=12", "only owner=<12 digits"),
        ("s3://team/a?versionId=1", "only owner=<12 digits"),
        ("s3://pytest-benchmark-aws-123456789012-us-east-1", "whose objects expire"),
    ],
)
def test_a_wrong_url_is_refused_with_the_reason_and_the_right_shape(text: str, why: str) -> None:
    """The message says what is wrong with this one, and how one looks."""
    with pytest.raises(PlanError, match=f"{why}.*give s3://bucket/prefix"):
        StorageUrl.parse(text)


@pytest.mark.parametrize(
    ("name", "size", "why"),
    [
        ("../0001_a.json", 1, "begins with a point"),
        ("a/../../0001_a.json", 1, "4 levels deep"),
        ("/0001_a.json", 1, "an empty part"),
        ("a//0001_a.json", 1, "an empty part"),
        ("a\\0001_a.json", 1, "a backslash"),
        ("a/0001_\x1b[2J.json", 1, "cannot be printed"),
        ("a/0001_\0.json", 1, "cannot be printed"),
        ("a/b/0001_a.json", 1, "3 levels deep"),
        (".a/0001_a.json", 1, "begins with a point"),
        ("a/" + "x" * 300 + ".json", 1, "longer than 255 bytes"),
        ("a/0001_a.json", LARGEST + 1, "268,435,457 bytes, 268,435,456 at most"),
    ],
)
def test_a_hostile_key_is_refused_with_the_reason(name: str, size: int, why: str) -> None:
    """Whoever may write to the bucket chooses the keys; none of them leads out of the cache or fills the disk."""
    assert why in str(refusal(name, size))


@given(st.text(alphabet=st.sampled_from("ab./\\ \0\n_é0"), max_size=12))
def test_a_key_that_is_taken_stays_inside_the_cache(name: str) -> None:
    """Whatever is not refused is a relative path of plain parts, two at most."""
    if refusal(name, 1) is None:
        path = PurePosixPath(name)
        assert not path.is_absolute()
        assert 1 <= len(path.parts) <= 2
        assert "/".join(path.parts) == name
        assert not any(part.startswith(".") for part in path.parts)

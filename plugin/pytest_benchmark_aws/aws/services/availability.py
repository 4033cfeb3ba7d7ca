"""In which regions a managed service is, by botocore's endpoint data, without a request."""

from __future__ import annotations

import os
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LISTED_AS = {"personalize-runtime": "personalize"}
"""Clients that the endpoint data has no entry of -> the service that their requests are of."""
_NEXT = {
    "af": ("eu", "me"), "ap": (), "ca": ("us",), "eu": (), "il": ("eu", "me"), "me": ("il", "eu"), "mx": ("us",),
    "sa": ("us",), "us": ("ca",),
}  # fmt: skip
"""Areas, as names of regions begin -> those next to them."""
_WORLD = ("us", "eu", "ap")
_MOST_NAMED = 3


def missing(client: str, region: str) -> str:
    """Why a service cannot be asked in a region: the regions nearest to it that have it; empty where it may be.

    botocore's data is late at times: a region that it knows of no service may be a new one, and a service may be where
    it does not say so yet (botocore #2332: "You can still specify that region and successfully use the service even
    without it being in this file"). An endpoint of the user's own, as AWS's tools read it, overrules it.

    Args:
        client: boto3's name of the client: ``lexv2-runtime``.
        region: that is to be asked.
    """
    regions = _regions(_LISTED_AS.get(client, client))
    if not regions or region in regions or not is_listed(region) or os.environ.get(_endpoint_variable(client)):
        return ""
    names = nearest(regions, region)
    near = (
        f"nearest with it {'is' if len(names) == 1 else 'are'} {', '.join(names)}"
        if names
        else "nor in any other region of its partition"
    )
    return f"{near}; where it is by now, take a newer botocore or set {_endpoint_variable(client)}"


def is_listed(region: str) -> bool:
    """Whether botocore knows a region."""
    return region in _regions("ec2")


def unlisted(region: str) -> str:
    """That botocore knows no such region, with those of about the same name."""
    return f"botocore knows no region {region}; {_meant(region, sorted(_regions('ec2'))) or 'is it one?'}"


def no_client(client: str) -> str:
    """That boto3 has no such client, with those of about the same name; empty where it has."""
    clients = _clients()
    if client in clients:
        return ""
    meant = _meant(client, clients) or "take a name of boto3.client(), as in polly"
    return f"boto3 has no client of a service {client!r}; {meant}"


def _meant(name: str, names: Sequence[str]) -> str:
    """A question with those of about the same name; empty where there are none."""
    near = get_close_matches(name, names, _MOST_NAMED)
    return f"did you mean {', '.join(near)}?" if near else ""


def nearest(regions: frozenset[str], region: str) -> list[str]:
    """Those of the same partition in the same area, then in those next to it, of the same side first, as names say.

    A partition has accounts of its own, which ask in no other.
    """
    from botocore.session import Session

    session = Session()
    partition = session.get_partition_for_region(region)
    area, side = region.split("-")[:2]
    areas = list(dict.fromkeys((area, *_NEXT.get(area, ()), *_WORLD)))
    same = [name for name in regions if session.get_partition_for_region(name) == partition]

    def distance(name: str) -> tuple[int, bool, str]:
        own_area, own_side = name.split("-")[:2]
        return areas.index(own_area) if own_area in areas else len(areas), own_side != side, name

    return sorted(same, key=distance)[:_MOST_NAMED]


@cache
def _regions(service: str) -> frozenset[str]:
    from botocore.session import Session

    session = Session()
    partitions = session.get_available_partitions()
    return frozenset(name for part in partitions for name in session.get_available_regions(service, part))


@cache
def _clients() -> tuple[str, ...]:
    from botocore.session import Session

    return tuple(Session().get_available_services())


@cache
def _endpoint_variable(client: str) -> str:
    """The variable of the environment that names a service's endpoint.

    AWS SDKs and Tools reference guide, "Service-specific endpoints": the service id, spaces as underscores.
    """
    from botocore.session import Session

    service_id = Session().get_service_model(client).service_id
    return f"AWS_ENDPOINT_URL_{str(service_id).replace(' ', '_').upper()}"

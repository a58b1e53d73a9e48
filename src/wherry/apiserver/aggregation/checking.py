"""Asking an aggregated API whether it is there, and what it has."""

from __future__ import annotations

from typing import Any

import orjson

from wherry.apiserver.aggregation.backend import Backend, RemoteBackend
from wherry.apiserver.aggregation.described import (
    ACCEPT,
    Described,
    openapi_v3_url,
    part_of_openapi_v2,
    resources_of_group_list,
    resources_of_list,
)
from wherry.apiserver.aggregation.location import PASSED, Verdict, failed_check
from wherry.wire.errors import WireError
from wherry.wire.messages import Response

_ATTEMPTS = 5


async def discovery_check(backend: RemoteBackend, group: str, version: str) -> Verdict:
    """Whether its discovery answers; one good answer of several is enough."""
    path, why = f"/apis/{group}/{version}", ""
    for _ in range(_ATTEMPTS):
        url = backend.place() + path
        try:
            answer = await backend.ask(path)
        except (WireError, OSError) as error:
            why = f'failing or missing response from {url}: Get "{url}": {error}'
            continue
        if 200 <= answer.status < 300:
            return PASSED
        why = f"failing or missing response from {url}: bad status from {url}: {answer.status}"
    return failed_check(why)


async def describe(backend: Backend, group: str, version: str) -> Described:
    """All that it says of one version. Raises `WireError`, `OSError`."""
    answer = await backend.ask("/apis", ACCEPT)
    resources = None
    if answer.status == 200 and "APIGroupDiscoveryList" in answer.content_type:
        resources = resources_of_group_list(_json(answer), group, version)
    if resources is None:
        answer = await backend.ask(f"/apis/{group}/{version}")
        resources = resources_of_list(_json(answer), group, version)
    index = await backend.ask("/openapi/v3")
    found = Described(resources, fresh=answer.status == 200, openapi_v3=openapi_v3_url(_json(index), group, version))
    found.openapi_v2 = part_of_openapi_v2(_json(await backend.ask("/openapi/v2")), group, version)
    return found


def _json(answer: Response) -> Any:
    if answer.status != 200:
        return None
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None

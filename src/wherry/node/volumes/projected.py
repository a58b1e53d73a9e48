"""projected: several sources in one directory, service account tokens among them."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.node.volumes.context import Payload, VolumeContext
from wherry.node.volumes.payloads import of_downward, of_object, token_file

REFRESH_AT = 0.8
"""A token is replaced when this part of its life has passed, as upstream."""


async def payload(context: VolumeContext) -> tuple[Payload, float | None]:
    """The files, and when the first token wants to be replaced (wall clock)."""
    source = context.volume["projected"]
    mode = source.get("defaultMode")
    found: Payload = {}
    refresh_at: float | None = None
    for projection in source.get("sources") or ():
        if own := projection.get("configMap"):
            found.update(of_object(context, "configmaps", own, mode))
        elif own := projection.get("secret"):
            found.update(of_object(context, "secrets", own, mode))
        elif own := projection.get("downwardAPI"):
            found.update(of_downward(context, own, mode))
        elif own := projection.get("serviceAccountToken"):
            due = await _add_token(context, own, found)
            refresh_at = due if refresh_at is None else min(refresh_at, due)
    return found, refresh_at


async def _add_token(context: VolumeContext, projection: Object, found: Payload) -> float:
    token = await context.tokens(context.pod, projection)
    found[projection["path"]] = token_file(context, token.token)
    return token.issued + REFRESH_AT * (token.expires - token.issued)

"""The ConfigMap that tells extension API servers whom to believe: always true for the server that runs now.

Source: pkg/controlplane/controller/clusterauthenticationtrust.
"""

from __future__ import annotations

from wherry.apiserver.aggregation.identity import authentication_config
from wherry.apiserver.bootstrap.ensure import ensure
from wherry.apiserver.objects import encoder, fresh
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.store.port import RevisionMismatch


async def publish(parts: Parts) -> None:
    """Make it, or make it say what holds now; nothing where this server has nothing to tell."""
    config = authentication_config(parts.config.client_ca, parts.config.front_proxy)
    if not config["data"]:
        return
    metadata = config["metadata"]
    entry = parts.store.get(f"{storage_prefix('', 'configmaps')}{metadata['namespace']}/{metadata['name']}")
    if entry is None:
        await ensure(parts, [config])
        return
    stored = fresh(entry)
    if stored.get("data") == config["data"]:
        return
    stored["data"] = config["data"]
    try:
        await parts.store.put(entry.key, encoder(stored), expected=entry.mod_revision, memo=stored)
    except RevisionMismatch:
        # Another server of the same cluster was faster.
        return

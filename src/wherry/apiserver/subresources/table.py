"""Which handlers serve which subresource, by `(qualified resource, subresource)` or `("*", subresource)`."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.apiserver.call import Stage
from wherry.apiserver.subresources import binding, eviction, finalize, narrow, scale, token

SUBRESOURCES: Mapping[tuple[str, str], Mapping[str, Stage]] = {
    ("*", "scale"): scale.HANDLERS,
    ("pods", "binding"): binding.HANDLERS,
    ("pods", "eviction"): eviction.HANDLERS,
    ("pods", "ephemeralcontainers"): narrow.EPHEMERAL_CONTAINERS,
    ("pods", "resize"): narrow.RESIZE,
    ("namespaces", "finalize"): finalize.HANDLERS,
    ("serviceaccounts", "token"): token.HANDLERS,
    ("certificatesigningrequests.certificates.k8s.io", "approval"): narrow.APPROVAL,
}

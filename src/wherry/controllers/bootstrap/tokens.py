"""A bootstrap token's secret, read. Source: "Authenticating with Bootstrap Tokens" in the Kubernetes documentation."""

from __future__ import annotations

import base64
import binascii
import re

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339

NAMESPACE = "kube-system"
TYPE = "bootstrap.kubernetes.io/token"
_ID = re.compile(r"[a-z0-9]{6}")


def field(secret: Object, name: str) -> str:
    """A value of the secret; empty where it is missing or is no text."""
    try:
        return base64.b64decode((secret.get("data") or {}).get(name) or "").decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def seconds_left(secret: Object, now: float) -> float | None:
    """Until the token expires; None for one that never does. A time that cannot be read has passed."""
    expiration = field(secret, "expiration")
    if not expiration:
        return None
    try:
        return parse_rfc3339(expiration) - now
    except ValueError:
        return 0.0


def signing_key(secret: Object, now: float) -> tuple[str, bytes] | None:
    """Id and secret of a token that may sign now; None for others."""
    token_id, token_secret = field(secret, "token-id"), field(secret, "token-secret")
    if not _ID.fullmatch(token_id) or secret["metadata"]["name"] != f"bootstrap-token-{token_id}" or not token_secret:
        return None
    left = seconds_left(secret, now)
    if (left is not None and left <= 0) or field(secret, "usage-bootstrap-signing") != "true":
        return None
    return token_id, token_secret.encode()

"""`WWW-Authenticate`: what a registry wants before it answers. Pure. Source: RFC 9110 §11.6.1, the OCI distribution
specification and Docker's token authentication.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """A scheme in lower case, and its parameters."""

    scheme: str
    parameters: dict[str, str]

    @classmethod
    def parse(cls, header: str) -> Challenge:
        scheme, _, rest = header.strip().partition(" ")
        found = {
            m[1].lower(): re.sub(r"\\(.)", r"\1", m[2]) if m[2] is not None else m[3] for m in _PARAMETER.finditer(rest)
        }
        return cls(scheme.lower(), found)

    def token_url(self, repository: str) -> str | None:
        """Where a token to read that repository is to be had; None when this is no bearer challenge."""
        realm = self.parameters.get("realm", "")
        if self.scheme != "bearer" or not realm:
            return None
        query = {"scope": self.parameters.get("scope") or f"repository:{repository}:pull"}
        if service := self.parameters.get("service"):
            query["service"] = service
        return f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"

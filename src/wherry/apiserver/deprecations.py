"""What is served but should not be used any more: told in a `Warning` header, as upstream does.

Source: `APILifecycleDeprecated` of each type; KEP-4974 (Endpoints).
"""

from __future__ import annotations

from collections.abc import Mapping

WARNINGS: Mapping[str, str] = {
    "componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
    "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
}
"""By qualified resource."""

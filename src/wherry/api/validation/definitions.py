"""CustomResourceDefinition: the rules stand with the rest of custom resources."""

from __future__ import annotations

from wherry.api.customresources.definition_rules import DEFINITIONS

__all__ = ["DEFINITIONS"]

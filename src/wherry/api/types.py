"""The shape of things: an object is a dict as JSON gives it."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
"""A Kubernetes object as JSON has it: `apiVersion`, `kind`, `metadata`, and the rest."""

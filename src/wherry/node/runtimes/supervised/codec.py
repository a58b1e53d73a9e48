"""Descriptions of containers and sandboxes from JSON. Writing needs no code: orjson writes dataclasses."""

from __future__ import annotations

from typing import Any

from wherry.node.runtimes.port import Container, Image, Mount, Resources, Sandbox, Security


def _pairs(value: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, text in value)


def sandbox_from(data: dict[str, Any]) -> Sandbox:
    return Sandbox(**data)


def image_from(data: dict[str, Any]) -> Image:
    return Image(
        **data
        | {
            "names": tuple(data["names"]),
            "entrypoint": tuple(data["entrypoint"]),
            "command": tuple(data["command"]),
            "environment": _pairs(data["environment"]),
            "labels": _pairs(data["labels"]),
        }
    )


def _security_from(data: dict[str, Any]) -> Security:
    lists = ("supplemental_groups", "add_capabilities", "drop_capabilities")
    return Security(**data | {name: tuple(data[name]) for name in lists})


def container_from(data: dict[str, Any]) -> Container:
    """Raises `KeyError` or `TypeError` for what another version wrote."""
    return Container(
        **data
        | {
            "sandbox": sandbox_from(data["sandbox"]),
            "image": image_from(data["image"]),
            "arguments": tuple(data["arguments"]),
            "environment": _pairs(data["environment"]),
            "mounts": tuple(Mount(**mount) for mount in data["mounts"]),
            "resources": Resources(**data["resources"]),
            "security": _security_from(data["security"]),
        }
    )

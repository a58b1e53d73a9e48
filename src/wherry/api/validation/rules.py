"""The shape of a kind's validation: a name rule and a function per sort of write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.metadata import NameRule
from wherry.machinery import names

Check = Callable[[Errors, Object], None]
CheckUpdate = Callable[[Errors, Object, Object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is checked for one kind besides its metadata.

    `create` sees every new object and, unless `update` is given, every updated one too; `update` gets the new and the
    stored object; `status` the same on a write to the status subresource; `name` judges names on create.
    """

    name: NameRule = names.dns1123_subdomain
    create: Check | None = None
    update: CheckUpdate | None = None
    status: CheckUpdate | None = None


PLAIN = Rules()

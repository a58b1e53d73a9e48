"""The environment of Kubernetes v1.36: the language, its extensions, and the API server's own libraries.

Source: k8s.io/apiserver/pkg/cel/environment/base.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from wherry.machinery.cel.environment import Environment
from wherry.machinery.cel.functions import Library, merged
from wherry.machinery.cel.libraries import (
    arithmetic,
    authorizer,
    comparing,
    conversions,
    formats,
    jsonpatches,
    lists,
    networks,
    optionals,
    patterns,
    quantities,
    strings,
    times,
    urls,
    versions,
)
from wherry.machinery.cel.macros import BINDINGS, OPTIONALS, STANDARD, TWO_VARIABLES, Macros
from wherry.machinery.cel.types import Type

MACROS = Macros({**STANDARD, **TWO_VARIABLES, **OPTIONALS})
_WITH_BIND = Macros({**MACROS.table, **BINDINGS})


@cache
def kubernetes_library() -> Library:
    """Every function that expressions in Kubernetes' objects can call."""
    return merged(
        module.LIBRARY
        for module in (
            arithmetic,
            comparing,
            conversions,
            times,
            optionals,
            strings,
            lists,
            patterns,
            urls,
            networks,
            quantities,
            versions,
            formats,
            authorizer,
        )
    )


@cache
def mutation_library() -> Library:
    """The same, and what mutating admission policies have besides."""
    return merged((kubernetes_library(), jsonpatches.LIBRARY))


def kubernetes(
    variables: Mapping[str, Type], *, types: Callable[[str], Type | None] | None = None, bind: bool = False
) -> Environment:
    """The environment for expressions in Kubernetes' objects; `bind` adds `cel.bind`, which device selectors have."""
    return Environment(variables, library=kubernetes_library(), macros=_WITH_BIND if bind else MACROS, types=types)


def mutating(variables: Mapping[str, Type]) -> Environment:
    """The environment of mutating admission policies: `Object{...}` and `JSONPatch{...}` can be made."""
    return Environment(variables, library=mutation_library(), macros=MACROS, types=jsonpatches.object_types)

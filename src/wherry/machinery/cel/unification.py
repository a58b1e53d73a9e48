"""Which types fit together, and what type parameters thereby become.

Source: cel-go `checker/types.go` and `checker/mapping.go`.
"""

from __future__ import annotations

from dataclasses import replace

from wherry.machinery.cel.types import DYN, Kind, Type, is_dyn

_NULLABLE = frozenset({Kind.DURATION, Kind.TIMESTAMP, Kind.OBJECT, Kind.OPAQUE, Kind.NULL})
_WITH_PARAMS = frozenset({Kind.LIST, Kind.MAP, Kind.OPAQUE})


class Substitution:
    """What type parameters stand for; grows while an expression is checked."""

    __slots__ = ("_known", "_made")

    def __init__(self) -> None:
        self._known: dict[str, Type] = {}
        self._made = 0

    def fresh(self) -> Type:
        self._made += 1
        return Type(Kind.PARAM, f"_var{self._made - 1}")

    def assignable(self, target: Type, value: Type) -> bool:
        return self._all([(target, value)])

    def assignable_all(self, targets: tuple[Type, ...], values: list[Type]) -> bool:
        return len(targets) == len(values) and self._all(list(zip(targets, values, strict=True)))

    def _all(self, pairs: list[tuple[Type, Type]]) -> bool:
        """All or nothing: what was learnt from pairs that do not fit together is forgotten."""
        before = dict(self._known)
        if all(self._fits(target, value) for target, value in pairs):
            return True
        self._known = before
        return False

    def _fits(self, one: Type, two: Type) -> bool:
        if two.kind is Kind.PARAM:
            valid, known = self._substitutes(one, two)
            if valid or known:
                return valid
        if one.kind is Kind.PARAM:
            return self._substitutes(two, one)[0]
        if is_dyn(one) or is_dyn(two):
            return True
        if one.kind is Kind.NULL or two.kind is Kind.NULL:
            return one.kind in _NULLABLE and two.kind in _NULLABLE
        if one.kind is Kind.TYPE:
            return two.kind is Kind.TYPE
        if one.kind in _WITH_PARAMS:
            return (
                one.kind is two.kind
                and one.name == two.name
                and len(one.params) == len(two.params)
                and all(self._fits(x, y) for x, y in zip(one.params, two.params, strict=True))
            )
        return one == two

    def _substitutes(self, type_: Type, param: Type) -> tuple[bool, bool]:
        """Whether `type_` may stand for `param`, and whether something stood for it already."""
        if type_ == param:
            return True, True
        known = self._known.get(param.name)
        if known is not None:
            if known == type_:
                return True, True
            if self._fits(type_, known):
                general = type_ if less_specific(type_, known) else known
                if not self._occurs(param, general):
                    self._known[param.name] = general
                return True, True
            return False, True
        if self._occurs(param, type_):
            return False, False
        self._known[param.name] = type_
        return True, False

    def _occurs(self, param: Type, within: Type) -> bool:
        if within.kind is Kind.PARAM:
            if within == param:
                return True
            known = self._known.get(within.name)
            return known is not None and self._occurs(param, known)
        return any(self._occurs(param, inner) for inner in within.params)

    def apply(self, type_: Type, *, to_dyn: bool = False) -> Type:
        """The type with its parameters filled in; those without a meaning become dyn where asked for."""
        if type_.kind is Kind.PARAM:
            known = self._known.get(type_.name)
            if known is not None:
                return self.apply(known, to_dyn=to_dyn)
            return DYN if to_dyn else type_
        if not type_.params:
            return type_
        params = tuple(self.apply(each, to_dyn=to_dyn) for each in type_.params)
        return type_ if params == type_.params else replace(type_, params=params)


def less_specific(one: Type, two: Type) -> bool:
    """Whether the first is as specific as the second, or less."""
    if is_dyn(one) or one.kind is Kind.PARAM:
        return True
    if is_dyn(two) or two.kind is Kind.PARAM or one.kind is not two.kind:
        return False
    if one.kind in _WITH_PARAMS:
        same = one.name == two.name and len(one.params) == len(two.params)
        return same and all(less_specific(x, y) for x, y in zip(one.params, two.params, strict=True))
    return one.kind is Kind.TYPE or one == two


def renamed(type_: Type, names: dict[str, Type]) -> Type:
    """The type with parameters replaced by others, as every use of an overload needs its own."""
    if type_.kind is Kind.PARAM:
        return names.get(type_.name, type_)
    if not type_.params:
        return type_
    return replace(type_, params=tuple(renamed(each, names) for each in type_.params))

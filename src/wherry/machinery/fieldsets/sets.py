"""Sets of field paths, as the trees that `FieldsV1` is in JSON, and their algebra.

A tree maps path elements to what is below them. An empty tree below an element means: this place, nothing further; a
`.` beside other elements means: this place too. The outermost tree is the set itself, empty where nothing is in it.

What always holds: trees are never changed, results share what stays the same, elements are in upstream's order, and
nothing that belongs to no path is kept. Every function gives back its first argument itself where it would not differ.
Source: sigs.k8s.io/structured-merge-diff/v6/fieldpath (set.go, serialize.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wherry.machinery.fieldsets.elements import DOT, ElementError, canonical, in_order

Tree = dict[str, Any]
LEAF: Tree = {}
Path = tuple[str, ...]


def _member(node: Tree) -> bool:
    return not node or DOT in node


def _node(member: bool, children: Tree) -> Tree | None:
    """What stands below an element; None where no path is left."""
    if not children:
        return LEAF if member else None
    return {DOT: LEAF, **children} if member else children


def _children(node: Tree) -> Tree:
    return {key: child for key, child in node.items() if key != DOT} if DOT in node else node


def union(a: Tree, b: Tree) -> Tree:
    """Every path of either."""
    if not b or a is b:
        return a
    return _union(a, b) if a else b


def _union(a: Tree, b: Tree) -> Tree:
    result: Tree = {}
    for key, node in b.items():
        mine = a.get(key)
        if mine is None:
            result[key] = node
        elif mine is not node and (both := _union_nodes(mine, node)) is not mine:
            result[key] = both
    if not result:
        return a
    merged = {**a, **result}
    return merged if result.keys() <= a.keys() else {key: merged[key] for key in in_order(merged)}


def _union_nodes(a: Tree, b: Tree) -> Tree:
    if not b:
        return a if _member(a) else {DOT: LEAF, **a}
    if not a:
        return b if DOT in b else {DOT: LEAF, **b}
    return _union(a, b)


def difference(a: Tree, b: Tree) -> Tree:
    """The paths of `a` that are not in `b`; what is below a path that goes stays."""
    return _without(a, b, recursive=False)


def recursive_difference(a: Tree, b: Tree) -> Tree:
    """The paths of `a` that are neither in `b` nor below one in `b`."""
    return _without(a, b, recursive=True)


def _without(a: Tree, b: Tree, *, recursive: bool) -> Tree:
    changes: dict[str, Tree | None] = {}
    for key, theirs in b.items():
        mine = a.get(key)
        if mine is None or key == DOT:
            continue
        left = None if mine is theirs else _node_without(mine, theirs, recursive=recursive)
        if left is not mine:
            changes[key] = left
    if not changes:
        return a
    return {key: kept for key, node in a.items() if (kept := changes.get(key, node)) is not None}


def _node_without(mine: Tree, theirs: Tree, *, recursive: bool) -> Tree | None:
    gone = _member(theirs)
    if gone and recursive:
        return None
    children = _children(mine)
    left = _without(children, theirs, recursive=recursive)
    member = _member(mine)
    if left is children and not (gone and member):
        return mine
    return _node(member and not gone, left)


def intersection(a: Tree, b: Tree) -> Tree:
    """The paths in both."""
    if a is b:
        return a
    result: Tree = {}
    for key, mine in a.items():
        theirs = b.get(key)
        if theirs is None or key == DOT:
            continue
        children = intersection(_children(mine), _children(theirs)) if mine and theirs else {}
        both = _node(_member(mine) and _member(theirs), children)
        if both is not None:
            result[key] = both
    return a if result == a else result


def overlap(a: Tree, b: Tree) -> bool:
    """Whether some path is in both."""
    for key, theirs in b.items():
        mine = a.get(key)
        if mine is None or key == DOT:
            continue
        if _member(mine) and _member(theirs):
            return True
        if mine and theirs and overlap(mine, theirs):
            return True
    return False


def only_below(tree: Tree, patterns: Sequence[Sequence[str]]) -> Tree:
    """The paths that start with one of the patterns; `*` stands for any element."""
    result: Tree = {}
    for key, node in tree.items():
        rests = [pattern[1:] for pattern in patterns if pattern[0] in (key, "*")]
        if not rests or key == DOT:
            continue
        kept = node if not all(rests) else only_below(node, rests) or None
        if kept is not None:
            result[key] = kept
    return result


def below(tree: Tree, element: str) -> Tree:
    """The set of what is below an element, seen from there."""
    return _children(tree.get(element) or LEAF)


def has(tree: Tree, path: Sequence[str]) -> bool:
    """Whether the path itself is in the set."""
    node: Tree | None = tree
    for element in path:
        node = node.get(element) if node is not None else None
    return node is not None and bool(path) and _member(node)


def contains(tree: Tree, element: str) -> bool:
    """`has` for a path of one element."""
    node = tree.get(element)
    return node is not None and _member(node)


def of_paths(paths: Iterable[Sequence[str]]) -> Tree:
    """The set of these paths."""
    result: Tree = {}
    for path in paths:
        tree: Tree = LEAF
        for step, element in enumerate(reversed(path)):
            tree = {element: tree} if step else {element: LEAF}
        result = union(result, tree)
    return result


def paths(tree: Tree, before: Path = ()) -> Iterator[Path]:
    """Every path, those of one place before those below it."""
    inner = [key for key in tree if key != DOT]
    for key in inner:
        if _member(tree[key]):
            yield (*before, key)
    for key in inner:
        if tree[key]:
            yield from paths(tree[key], (*before, key))


def parse(fields: Any) -> Tree:
    """A set that came from outside: every element in its one spelling and in order. Raises `ElementError`."""
    if not isinstance(fields, dict):
        raise ElementError("fieldsV1 is no object")
    parsed: Tree = {}
    for key, node in fields.items():
        if key == DOT:
            continue
        if not isinstance(node, dict):
            raise ElementError(f"{key!r} holds no object")
        if key[:2] not in ("f:", "k:", "v:", "i:"):
            raise ElementError(f"{key!r} is no path element")
        parsed[canonical(key)] = _parsed_node(node)
    return {key: parsed[key] for key in in_order(parsed)}


def _parsed_node(node: Tree) -> Tree:
    inner = parse(node)
    return {DOT: LEAF, **inner} if DOT in node and inner else inner

"""JSON patch (RFC 6902) over JSON pointers (RFC 6901), with the behaviour and the texts of the library that
kube-apiserver uses (evanphx/json-patch v4): `replace` of an absent member adds it, negative indices count from the end.

Pure: the document is never changed; the result shares with it what stayed the same.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from wherry.machinery.integers import IntegerError, parse_int
from wherry.machinery.mergepatch import same

_MISSING: Final = "missing value"
_BAD_INDEX: Final = "invalid index referenced"
_TEST_FAILED: Final = "test failed"
_ABSENT: Final = object()

COPY_LIMIT_BYTES = 3 * 1024 * 1024
"""Of all that one patch copies together: a few dozen copies, each of the last one's result, would fill any memory."""

Operation = Mapping[str, Any]


class JsonPatchError(ValueError):
    """The patch is malformed or does not apply; the message is upstream's."""


class MalformedPatch(JsonPatchError):
    """The text is no list of operations."""


def check(patch: Any) -> Sequence[Operation]:
    """The operations of a parsed patch. Raises `MalformedPatch`."""
    if not isinstance(patch, list):
        kind = "object" if isinstance(patch, dict) else type(patch).__name__
        raise MalformedPatch(f"json: cannot unmarshal {kind} into Go value of type jsonpatch.Patch")
    if not all(isinstance(operation, dict) for operation in patch):
        raise MalformedPatch("json: cannot unmarshal value into Go value of type jsonpatch.Operation")
    return patch


def apply(document: Any, patch: Sequence[Operation]) -> Any:
    """The document after all operations, in order. Raises `JsonPatchError` for the first that does not apply."""
    copied = 0
    for operation in patch:
        run = _OPERATIONS.get(str(operation.get("op", "unknown")))
        if run is None:
            raise JsonPatchError(f"Unexpected kind: {operation.get('op', 'unknown')}")
        if run is _copy:
            copied += _size(_taken(document, _path(operation, "from"), "copy"), COPY_LIMIT_BYTES)
            if copied > COPY_LIMIT_BYTES:
                raise JsonPatchError(
                    f"Unable to complete the copy, the accumulated size increase of copy is {copied}, "
                    f"exceeding the limit {COPY_LIMIT_BYTES}"
                )
        document = run(document, operation)
    return document


def _size(value: Any, enough: int) -> int:
    """About as many bytes as its JSON has; no more is counted than `enough` to be too much."""
    total, todo = 0, [value]
    while todo and total <= enough:
        one = todo.pop()
        if isinstance(one, dict):
            total += 2 + sum(len(key) + 4 for key in one)
            todo.extend(one.values())
        elif isinstance(one, list):
            total += 2 + len(one)
            todo.extend(one)
        else:
            total += len(one) + 2 if isinstance(one, str) else 4
    return total


def _path(operation: Operation, name: str = "path") -> str:
    path = operation.get(name, _ABSENT)
    if not isinstance(path, str):
        kind = operation.get("op")
        raise JsonPatchError(f"{kind} operation failed to decode {name}: {_MISSING}")
    return path


def _keys(path: str) -> list[str]:
    return [key.replace("~1", "/").replace("~0", "~") for key in path.split("/")[1:]]


def _index(key: str, length: int) -> int:
    """An index into a list, negative ones from the end. Raises `JsonPatchError`."""
    try:
        index = parse_int(key, function="Atoi")
    except IntegerError as error:
        raise JsonPatchError(str(error)) from None
    if not -length <= index < length:
        raise JsonPatchError(f"Unable to access invalid index: {index}: {_BAD_INDEX}")
    return index % length


def _get(holder: Any, key: str) -> Any:
    """A member, or the marker for an absent one. Raises `JsonPatchError` for a bad index."""
    return holder.get(key, _ABSENT) if isinstance(holder, dict) else holder[_index(key, len(holder))]


def _holder(document: Any, path: str) -> tuple[Any, str] | None:
    """The object or list that holds the last key of a path; None when there is no such place."""
    keys = _keys(path)
    if not keys:
        return None
    for key in keys[:-1]:
        try:
            document = _get(document, key) if isinstance(document, dict | list) else _ABSENT
        except JsonPatchError:
            return None
    return (document, keys[-1]) if isinstance(document, dict | list) else None


def _changed(document: Any, keys: Sequence[str], change: Callable[[Any, str], None]) -> Any:
    """A copy of the document, in which only the containers on the way are new, after `change(holder, key)`."""
    result = copy.copy(document)
    if len(keys) == 1:
        change(result, keys[0])
    else:
        key: Any = keys[0] if isinstance(result, dict) else _index(keys[0], len(result))
        result[key] = _changed(result[key], keys[1:], change)
    return result


def _edit(document: Any, path: str, change: Callable[[Any, str], None], missing: str, failed: str) -> Any:
    if _holder(document, path) is None:
        raise JsonPatchError(f"{missing}: {_MISSING}")
    try:
        return _changed(document, _keys(path), change)
    except JsonPatchError as wrong:
        raise JsonPatchError(f"{failed}: {wrong}") from None


def _insert(value: Any) -> Callable[[Any, str], None]:
    def change(holder: Any, key: str) -> None:
        if isinstance(holder, dict):
            holder[key] = value
        elif key == "-":
            holder.append(value)
        else:
            try:
                holder.insert(_index(key, len(holder) + 1), value)
            except JsonPatchError as wrong:
                text = str(wrong)
                raise JsonPatchError(
                    f"value was not a proper array index: '{key}': {text}" if "Atoi" in text else text
                ) from None

    return change


def _set(value: Any) -> Callable[[Any, str], None]:
    def change(holder: Any, key: str) -> None:
        if isinstance(holder, dict):
            holder[key] = value
        else:
            holder[_index(key, len(holder))] = value

    return change


def _delete(holder: Any, key: str) -> None:
    if isinstance(holder, list):
        del holder[_index(key, len(holder))]
    elif key in holder:
        del holder[key]
    else:
        raise JsonPatchError(f"Unable to remove nonexistent key: {key}: {_MISSING}")


def _add(document: Any, operation: Operation) -> Any:
    path = _path(operation)
    missing = f'add operation does not apply: doc is missing path: "{path}"'
    return _edit(document, path, _insert(operation.get("value")), missing, f"error in add for path: '{path}'")


def _remove(document: Any, operation: Operation) -> Any:
    path = _path(operation)
    missing = f'remove operation does not apply: doc is missing path: "{path}"'
    return _edit(document, path, _delete, missing, f"error in remove for path: '{path}'")


def _replace(document: Any, operation: Operation) -> Any:
    path, value = _path(operation), operation.get("value")
    if path == "":
        if not isinstance(value, dict | list):
            raise JsonPatchError("replace operation value must be object or array")
        return value
    missing = f"replace operation does not apply: doc is missing path: {path}"
    return _edit(document, path, _set(value), missing, f"replace operation does not apply: doc is missing key: {path}")


def _taken(document: Any, source: str, kind: str) -> Any:
    """What is at the source of a move or copy. Raises `JsonPatchError`."""
    holder = _holder(document, source)
    if holder is None:
        raise JsonPatchError(f"{kind} operation does not apply: doc is missing from path: {source}: {_MISSING}")
    try:
        return _get(*holder)
    except JsonPatchError as wrong:
        where = f"path: '{holder[1]}'" if kind == "move" else f"from: '{source}'"
        raise JsonPatchError(f"error in {kind} for {where}: {wrong}") from None


def _move(document: Any, operation: Operation) -> Any:
    source, path = _path(operation, "from"), _path(operation)
    value = _taken(document, source, "move")
    missing = f"move operation does not apply: doc is missing from path: {source}"
    failed = f"error in move for path: '{_keys(source)[-1]}'"
    without = _edit(document, source, _delete, missing, failed)
    missing = f"move operation does not apply: doc is missing destination path: {path}"
    return _edit(without, path, _insert(value), missing, f"error in move for path: '{path}'")


def _copy(document: Any, operation: Operation) -> Any:
    source, path = _path(operation, "from"), _path(operation)
    value = _taken(document, source, "copy")
    missing = f"copy operation does not apply: doc is missing destination path: {path}"
    put = _insert(copy.deepcopy(None if value is _ABSENT else value))
    return _edit(document, path, put, missing, "error while adding value during copy")


def _test(document: Any, operation: Operation) -> Any:
    path = _path(operation)
    found: Any = document
    if path != "":
        holder = _holder(document, path)
        if holder is None:
            raise JsonPatchError(f"test operation does not apply: is missing path: {path}: {_MISSING}")
        try:
            found = _get(*holder)
        except JsonPatchError as wrong:
            raise JsonPatchError(f"error in test for path: '{path}': {wrong}") from None
    if not same(None if found is _ABSENT else found, operation.get("value")):
        raise JsonPatchError(f"testing value {path} failed: {_TEST_FAILED}")
    return document


_OPERATIONS: dict[str, Callable[[Any, Operation], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}

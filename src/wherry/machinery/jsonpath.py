"""JSONPath as kubectl speaks it: `{range .items[*]}{.metadata.name}{"\\n"}{end}`.

`compile_template` once, then `render` or `find` often. Also behind `--sort-by`, `wait --for=jsonpath` and the extra
columns of custom resources. Source: "JSONPath Support" in the Kubernetes documentation; k8s.io/client-go/util/jsonpath.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from wherry.machinery.jsonpath_parser import (
    Expression,
    Field,
    Filter,
    JsonPathError,
    Literal,
    Node,
    Path,
    Range,
    Recursive,
    Slice,
    Step,
    Text,
    Union,
    Wildcard,
    parse,
)
from wherry.machinery.mergepatch import same

__all__ = ["JsonPath", "JsonPathError", "compile_template", "relaxed"]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_RELAXED = re.compile(r"\{?\.?([^{}]+)\}?|\{\}")


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A compiled template."""

    nodes: tuple[Node, ...]

    def find(self, data: Any, *, allow_missing: bool = True) -> list[list[Any]]:
        """The values of each text and expression, in order.

        Raises `JsonPathError` where the data is of the wrong shape, and, without `allow_missing`, where a field or an
        index does not exist.
        """
        return list(_run(self.nodes, data, allow_missing))

    def values(self, data: Any, *, allow_missing: bool = True) -> list[Any]:
        """All values of all expressions in one list."""
        return [value for values in self.find(data, allow_missing=allow_missing) for value in values]

    def render(self, data: Any, *, allow_missing: bool = True) -> str:
        """The text that kubectl prints: values of one expression with blanks between them."""
        return "".join(" ".join(map(to_text, values)) for values in _run(self.nodes, data, allow_missing))

    def render_json(self, data: Any) -> str:
        """As `-o jsonpath-as-json`: one JSON list per expression."""
        option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
        found = (orjson.dumps(values, option=option).decode() for values in _run(self.nodes, data, True))
        return "".join(re.sub(r"(?m)^( +)", r"\1\1", text) + "\n" for text in found)


@lru_cache(maxsize=256)
def compile_template(template: str) -> JsonPath:
    """Raises `JsonPathError`."""
    return JsonPath(parse(template))


def relaxed(expression: str) -> str:
    """`metadata.name`, `.metadata.name` and `{.metadata.name}` as a template, for flags that take either.

    Raises `JsonPathError`.
    """
    match = _RELAXED.fullmatch(expression)
    if match is None:
        raise JsonPathError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
        )
    return f"{{.{match[1]}}}" if match[1] else "{}"


def to_text(value: Any) -> str:
    """One value as kubectl prints it: plain, objects and lists as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return go_float(value)
    if isinstance(value, bool) or value is None:
        return orjson.dumps(value).decode()
    if isinstance(value, int):
        return str(value)
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def go_float(value: float) -> str:
    """A float as Go prints it: shortest, with an exponent below 1e-4 and from 1e21 on."""
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    if "e" in text and 1e-4 <= abs(value) < 1e21:
        return f"{value:f}".rstrip("0").rstrip(".")
    return text


def _run(nodes: Sequence[Node], data: Any, missing: bool) -> Iterator[list[Any]]:
    for node in nodes:
        match node:
            case Text(text):
                yield [text]
            case Expression(path):
                yield _walk(path, [data], missing)
            case Range(path, body):
                for value in _walk(path, [data], missing):
                    yield from _run(body, value, missing)


def _walk(path: Path, values: list[Any], missing: bool) -> list[Any]:
    for step in path:
        values = _step(step, values, missing)
    return values


def _step(step: Step, values: list[Any], missing: bool) -> list[Any]:
    match step:
        case Field(name):
            return _field(name, values, missing)
        case Slice():
            return [item for value in values if value is not None for item in _slice(step, value, missing)]
        case Wildcard():
            return [item for value in values for item in _children(value)]
        case Recursive():
            return [item for value in values for item in _descendants(value)]
        case Filter():
            return [item for value in values if value is not None for item in _filter(step, value, missing)]
        case Union(paths):
            return [item for path in paths for item in _walk(path, values, missing)]
        case Literal(value):
            return [value]


def _field(name: str, values: list[Any], missing: bool) -> list[Any]:
    found = [value[name] for value in values if isinstance(value, dict) and name in value]
    if not found and not missing:
        raise JsonPathError(f"{name} is not found")
    return found


def _slice(step: Slice, value: Any, missing: bool) -> list[Any]:
    if not isinstance(value, list):
        raise JsonPathError(f"{_shown(value)} is not array or slice")
    length = len(value)
    if not step.single:
        return value[step.start : step.end : step.step]
    index = step.start or 0
    index += length if index < 0 else 0
    if 0 <= index < length:
        return [value[index]]
    if missing:
        return []
    raise JsonPathError(f"array index out of bounds: index {index}, length {length}")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _descendants(value: Any) -> list[Any]:
    return [value] + [deeper for child in _children(value) for deeper in _descendants(child)]


def _filter(step: Filter, value: Any, missing: bool) -> list[Any]:
    if not isinstance(value, list):
        raise JsonPathError(f"{_shown(value)} is not array or slice and cannot be filtered")
    return [item for item in value if _passes(step, item)]


def _passes(step: Filter, item: Any) -> bool:
    left = _walk(step.left, [item], True)
    if step.operator == "exists" or not left:
        return bool(left)
    right = _walk(step.right, [item], True)
    if not right:
        return False
    if len(left) > 1 or len(right) > 1:
        raise JsonPathError("can only compare one element at a time")
    return _compare(step.operator, left[0], right[0])


def _compare(sign: str, left: Any, right: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (left, right))
    if not numbers and left.__class__ is not right.__class__:
        raise JsonPathError("incompatible types for comparison")
    if sign in ("==", "!="):
        return (left == right if numbers else same(left, right)) is (sign == "==")
    if not numbers and not isinstance(left, str):
        raise JsonPathError("invalid type for comparison")
    return _COMPARE[sign](left, right)


def _shown(value: Any) -> str:
    return to_text(value) if not isinstance(value, dict) else "map"

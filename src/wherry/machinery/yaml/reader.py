"""YAML and JSON as Kubernetes reads it: documents of JSON data, each with the line that it starts on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from wherry.machinery.yaml.words import meaning

_WORD = "!wherry-word"
"""The tag of a plain scalar that says no other."""
_MERGE = "tag:yaml.org,2002:merge"


class YamlError(Exception):
    """The text is not YAML; the message says where."""


class Document(NamedTuple):
    line: int
    """Counted from 1."""
    value: Any


def documents(data: bytes) -> Iterator[Document]:
    """Every document that is not empty; nothing in it is shared. Raises `YamlError`."""
    import yaml

    from wherry.machinery.yaml.bounds import Unfolding, has_aliases

    try:
        unfold = Unfolding().of if has_aliases(data) else _itself
        loader = _loader()(data)
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node)
            if value is not None:
                yield Document(node.start_mark.line + 1, unfold(value))
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise YamlError(f"{line}{error.problem}") from error
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from error
    except RecursionError:
        raise YamlError("too deeply nested") from None
    except ValueError as error:  # an explicit tag that does not fit, a number too long
        raise YamlError(str(error)) from error


def load(data: bytes) -> Any:
    """The first document; None where there is none. Raises `YamlError`, also where any document is malformed."""
    return next((document.value for document in documents(data)), None)


def _itself(value: Any) -> Any:
    return value


_TAGS = ("null", "bool", "int", "float", "str", "seq", "map", "merge")
"""What JSON can say; a value with another tag is refused."""


@cache
def _loader() -> Any:
    """A loader class with the words of `words` in place of PyYAML's; made when first needed."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        yaml_implicit_resolvers: dict[str | None, Any] = {
            "<": [(_MERGE, re.compile(r"<<\Z"))],
            None: [(_WORD, re.compile(""))],
        }
        yaml_constructors = {
            tag: make for tag, make in base.yaml_constructors.items() if tag is None or tag.rpartition(":")[2] in _TAGS
        }

    Loader.yaml_constructors[_WORD] = lambda loader, node: meaning(node.value)
    Loader.yaml_constructors["tag:yaml.org,2002:map"] = _mapping
    Loader.yaml_constructors["tag:yaml.org,2002:timestamp"] = lambda loader, node: node.value
    return Loader


def _mapping(loader: Any, node: Any) -> dict[str, Any]:
    """Merge keys give what the mapping itself does not say. Merged are values, not nodes: those would grow with each level."""
    if node.id != "mapping":
        raise YamlError(f"line {node.start_mark.line + 1}: expected a mapping node, but found {node.id}")
    found: dict[str, Any] = {}
    merged: list[Any] = []
    for key, value in node.value:
        if key.tag == _MERGE:
            given = loader.construct_object(value, deep=True)
            merged += given if isinstance(given, list) else [given]
        else:
            found[_key(loader, key)] = loader.construct_object(value, deep=True)
    for each in merged:
        if not isinstance(each, dict):
            line = node.start_mark.line + 1
            raise YamlError(f"line {line}: map merge requires map or sequence of maps as the value")
        for name, item in each.items():
            found.setdefault(name, item)
    return found


def _key(loader: Any, node: Any) -> str:
    value = loader.construct_object(node, deep=True)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return str(value)
    raise YamlError(f"line {node.start_mark.line + 1}: a key must be text, not a list or a mapping")

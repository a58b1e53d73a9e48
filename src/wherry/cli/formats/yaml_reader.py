"""YAML and JSON as Kubernetes reads it: documents of JSON data, each with the line that it starts on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from wherry.cli.formats.yaml_words import meaning

_WORD = "!wherry-word"
"""The tag of a plain scalar that says no other."""


class YamlError(Exception):
    """The text is not YAML; the message says where."""


class Document(NamedTuple):
    line: int
    """Counted from 1."""
    value: Any


def documents(data: bytes) -> Iterator[Document]:
    """Every document that is not empty. Raises `YamlError`."""
    import yaml

    try:
        loader = _loader()(data)
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node)
            if value is not None:
                yield Document(node.start_mark.line + 1, value)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise YamlError(f"{line}{error.problem}") from error
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from error
    except RecursionError:
        raise YamlError("too deeply nested") from None


@cache
def _loader() -> Any:
    """A loader class with the words of `yaml_words` in place of PyYAML's; made when first needed."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        yaml_implicit_resolvers: dict[str | None, Any] = {
            "<": [("tag:yaml.org,2002:merge", re.compile(r"<<\Z"))],
            None: [(_WORD, re.compile(""))],
        }
        yaml_constructors = dict(base.yaml_constructors)

    def mapping(loader: Any, node: Any) -> dict[str, Any]:
        loader.flatten_mapping(node)
        return {_key(loader, key): loader.construct_object(value, deep=True) for key, value in node.value}

    Loader.yaml_constructors[_WORD] = lambda loader, node: meaning(node.value)
    Loader.yaml_constructors["tag:yaml.org,2002:map"] = mapping
    Loader.yaml_constructors["tag:yaml.org,2002:timestamp"] = lambda loader, node: node.value
    return Loader


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

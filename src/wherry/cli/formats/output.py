"""The forms of `-o` that print whole objects: yaml, json, name, jsonpath, custom columns.

A printer is given objects as they come; `single` says that one object was asked for by its name, else they are printed as
a List.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from wherry.api.types import Object
from wherry.cli.errors import Refused

NAMES = "json, yaml, name, wide, jsonpath, jsonpath-as-json, jsonpath-file, custom-columns, custom-columns-file"
_WITH_ARGUMENT = frozenset(("jsonpath", "jsonpath-as-json", "jsonpath-file", "custom-columns", "custom-columns-file"))


class Printer(Protocol):
    def __call__(self, objects: Sequence[Object], *, single: bool) -> str: ...


def printer(output: str, *, headers: bool = True, managed_fields: bool = False) -> Printer | None:
    """What prints whole objects; None for tables. Raises `Refused` for a form that there is not."""
    form, _, argument = output.partition("=")
    if form in ("", "wide"):
        return None
    if form in _WITH_ARGUMENT and not argument:
        raise Refused(f"template format specified but no template given: -o {form}=...")
    if form == "json":
        from wherry.cli.formats import json_writer

        return _whole(json_writer.dump, managed_fields)
    if form == "yaml":
        return _documents(managed_fields)
    if form == "name":
        return _names
    if form.startswith("jsonpath"):
        return _jsonpath(argument if form != "jsonpath-file" else _text(argument), as_json=form == "jsonpath-as-json")
    if form.startswith("custom-columns"):
        return _columns(argument, headers=headers, in_file=form == "custom-columns-file")
    raise Refused(f'unable to match a printer suitable for the output format "{output}", allowed formats are: {NAMES}')


def as_list(objects: Sequence[Object]) -> Object:
    return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": list(objects)}


def _joined(objects: Sequence[Object], single: bool) -> Object:
    return objects[0] if single and len(objects) == 1 else as_list(objects)


def _whole(write: Callable[[Object], str], managed_fields: bool) -> Printer:
    def render(objects: Sequence[Object], *, single: bool) -> str:
        shown = objects if managed_fields else [without_managed_fields(obj) for obj in objects]
        return write(_joined(shown, single))

    return render


def _documents(managed_fields: bool) -> Printer:
    """YAML; `---` between documents that come one after another."""
    from wherry.machinery.yaml import writer as yaml_writer

    write = _whole(yaml_writer.dump, managed_fields)
    lead = ""

    def render(objects: Sequence[Object], *, single: bool) -> str:
        nonlocal lead
        text, lead = lead + write(objects, single=single), "---\n"
        return text

    return render


def without_managed_fields(obj: Object) -> Object:
    metadata = obj.get("metadata")
    if not metadata or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def _names(objects: Sequence[Object], *, single: bool) -> str:
    return "".join(f"{object_title(obj)}\n" for obj in objects)


def object_title(obj: Object) -> str:
    """`pod/x`, `deployment.apps/hello`, from the object alone."""
    group, slash, _ = obj["apiVersion"].partition("/")
    kind = obj["kind"].lower()
    return f"{kind}.{group}/{obj['metadata']['name']}" if slash else f"{kind}/{obj['metadata']['name']}"


def _jsonpath(template: str, *, as_json: bool) -> Printer:
    from wherry.machinery.jsonpath import JsonPathError, compile_template

    try:
        path = compile_template(template)
    except JsonPathError as error:
        raise Refused(f"error parsing jsonpath {template}, {error}") from error

    def render(objects: Sequence[Object], *, single: bool) -> str:
        try:
            data = _joined(objects, single)
            return path.render_json(data) if as_json else path.render(data)
        except JsonPathError as error:
            raise Refused(f'error executing jsonpath "{template}": {error}') from error

    return render


def _columns(argument: str, *, headers: bool, in_file: bool) -> Printer:
    from wherry.cli.formats import custom_columns

    columns = custom_columns.from_file(_text(argument)) if in_file else custom_columns.from_spec(argument)
    made = custom_columns.CustomColumns(columns, headers=headers)
    return lambda objects, *, single: made.render(objects)


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from error

from wherry.api.resources import BUILTIN
from wherry.api.schema import definitions


def test_every_builtin_resource_has_a_definition() -> None:
    assert [r.qualified for r in BUILTIN if definitions.name_of(r.api_version, r.kind) is None] == []


def test_every_reference_leads_somewhere() -> None:
    known = definitions.structure()

    def references(schema: object) -> list[str]:
        if isinstance(schema, dict):
            own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
            return own + [name for value in schema.values() for name in references(value)]
        return [name for value in schema for name in references(value)] if isinstance(schema, list) else []

    assert {name for name in references(dict(known)) if definitions.target(name) not in known} == set()


def test_optional_types_and_pinned_kinds_are_undone() -> None:
    pod = definitions.structure()["io.k8s.api.core.v1.Pod"]
    assert pod["properties"]["kind"] == {"type": "string"}
    assert definitions.descriptions()["io.k8s.api.core.v1.Pod"][1]["spec"].startswith("Specification of the desired")


def test_kinds_without_a_resource_are_there() -> None:
    for api_version, kind in (("v1", "Status"), ("v1", "DeleteOptions"), ("autoscaling/v1", "Scale")):
        assert definitions.name_of(api_version, kind)
    assert definitions.name_of("example.com/v1", "Foo") is None

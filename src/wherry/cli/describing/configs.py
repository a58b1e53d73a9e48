"""Config maps, secrets, service accounts, namespaces with their quotas and limits."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from wherry.api.types import Object
from wherry.cli.describing.cluster import Cluster
from wherry.cli.describing.events import events
from wherry.cli.describing.metadata import head
from wherry.cli.describing.words import moment
from wherry.cli.describing.writer import Writer


async def config_map(out: Writer, obj: Object, cluster: Cluster) -> None:
    head(out, obj)
    out.line("\nData\n====")
    for key, value in sorted((obj.get("data") or {}).items()):
        out.line(f"{key}:\n----\n{value}\n")
    out.line("\nBinaryData\n====")
    for key, value in sorted((obj.get("binaryData") or {}).items()):
        out.line(f"{key}: {len(base64.b64decode(value))} bytes")
    out.line()
    events(out, await cluster.events_of(obj), cluster.now)


async def secret(out: Writer, obj: Object, cluster: Cluster) -> None:
    head(out, obj)
    out.line(f"\nType:\t{obj.get('type', '')}")
    out.line("\nData\n====")
    for key, value in sorted((obj.get("data") or {}).items()):
        data = base64.b64decode(value)
        shown = obj.get("type") == "kubernetes.io/service-account-token" and key == "token"
        out.field(key, data.decode(errors="replace") if shown else f"{len(data)} bytes")


async def service_account(out: Writer, obj: Object, cluster: Cluster) -> None:
    metadata = obj["metadata"]
    head(out, obj)
    secrets = await cluster.some("secrets", namespace=metadata["namespace"])
    names = {one["metadata"]["name"] for one in secrets}
    tokens = [one["metadata"]["name"] for one in secrets if _is_token_of(one, metadata)]
    for title, wanted in (
        ("Image pull secrets", [one.get("name", "") for one in obj.get("imagePullSecrets") or ()]),
        ("Mountable secrets", [one.get("name", "") for one in obj.get("secrets") or ()]),
        ("Tokens", tokens),
    ):
        out.several(title, (name if name in names else f"{name} (not found)" for name in wanted))
    events(out, await cluster.events_of(obj), cluster.now)


def _is_token_of(secret: Object, account: Object) -> bool:
    annotations = secret["metadata"].get("annotations") or {}
    return (
        secret.get("type") == "kubernetes.io/service-account-token"
        and annotations.get("kubernetes.io/service-account.name") == account["name"]
        and annotations.get("kubernetes.io/service-account.uid") == account["uid"]
    )


async def namespace(out: Writer, obj: Object, cluster: Cluster) -> None:
    name, status = obj["metadata"]["name"], obj.get("status") or {}
    head(out, obj, namespace=False)
    out.field("Status", status.get("phase", ""))
    if conditions := status.get("conditions"):
        out.line("Conditions:")
        out.line("Type\tStatus\tLastTransitionTime\tReason\tMessage", 1)
        out.line("----\t------\t------------------\t------\t-------", 1)
        for one in conditions:
            when = moment(one.get("lastTransitionTime"))
            cells = (one["type"], one.get("status", ""), when, one.get("reason", ""), one.get("message", ""))
            out.line(" \t".join(cells[:2]) + f"\t{cells[2]}\t{cells[3]}\t{cells[4]}", 1)
    out.line()
    _quotas(out, await cluster.some("resourcequotas", namespace=name))
    out.line()
    _limits(out, await cluster.some("limitranges", namespace=name))


def _quotas(out: Writer, found: Sequence[Object]) -> None:
    if not found:
        out.line("No resource quota.")
        return
    out.line("Resource Quotas")
    for quota in sorted(found, key=lambda one: one["metadata"]["name"]):
        out.line(f"  Name:\t{quota['metadata']['name']}")
        scopes = quota["spec"].get("scopes") or ()
        if scopes:
            out.line(f"  Scopes:\t{', '.join(sorted(scopes))}")
        _quota_rows(out, quota, "  ", underline=False)


def _quota_rows(out: Writer, quota: Object, indent: str, *, underline: bool) -> None:
    status = quota.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    titles = (f"{indent}Resource", "Used", "Hard")
    out.line("\t".join(titles))
    lines = (f"{indent}--------", "---", "---") if not underline else (f"{indent}--------", "----", "----")
    out.line("\t".join(lines))
    for name in sorted(hard):
        out.line(f"{indent}{name}\t{used.get(name, '0')}\t{hard[name]}")


def _limits(out: Writer, found: Sequence[Object]) -> None:
    if not found:
        out.line("No LimitRange resource.")
        return
    out.line("Resource Limits")
    out.line(" Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio")
    out.line(" ----\t--------\t---\t---\t---------------\t-------------\t-----------------------")
    for one in found:
        _limit_rows(out, one, " ")


_LIMITS = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")


def _limit_rows(out: Writer, one: Object, indent: str) -> None:
    for limit in one["spec"].get("limits") or ():
        for name in sorted({name for field in _LIMITS for name in limit.get(field) or {}}):
            cells = [(limit.get(field) or {}).get(name, "-") for field in _LIMITS]
            out.line("\t".join((f"{indent}{limit['type']}", name, *cells)))


async def resource_quota(out: Writer, obj: Object, cluster: Cluster) -> None:
    out.fields((("Name", obj["metadata"]["name"]), ("Namespace", obj["metadata"]["namespace"])))
    if scopes := obj["spec"].get("scopes"):
        out.field("Scopes", ", ".join(sorted(scopes)))
    _quota_rows(out, obj, "", underline=True)


async def limit_range(out: Writer, obj: Object, cluster: Cluster) -> None:
    out.fields((("Name", obj["metadata"]["name"]), ("Namespace", obj["metadata"]["namespace"])))
    out.line("Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio")
    out.line("----\t--------\t---\t---\t---------------\t-------------\t-----------------------")
    _limit_rows(out, obj, "")

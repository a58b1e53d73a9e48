"""An operator as people write them with kopf: every kind of handler, peering, admission."""

import os
from pathlib import Path
from typing import Any

import kopf

TABS = "crontabs.stable.example.com"


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    files = Path(os.environ["CRONTABS_CERTIFICATES"])
    settings.peering.name = "crontabs"
    settings.peering.mandatory = True
    settings.peering.priority = 100
    settings.posting.loggers = True
    settings.posting.level = 20
    settings.persistence.finalizer = "stable.example.com/kopf"
    settings.persistence.progress_storage = kopf.StatusProgressStorage(field="status.kopf")
    settings.admission.managed = "crontabs.stable.example.com"
    settings.admission.server = kopf.WebhookServer(
        addr="127.0.0.1",
        host="localhost",
        certfile=str(files / "webhook.crt"),
        pkeyfile=str(files / "webhook.key"),
        cafile=str(files / "ca.crt"),
    )


@kopf.on.login()
def login(**kwargs: Any) -> Any:
    return kopf.login_with_kubeconfig(**kwargs)


@kopf.on.create(TABS)
@kopf.on.update(TABS, field="spec")
def ensure(spec: kopf.Spec, patch: kopf.Patch, body: kopf.Body, **_: Any) -> dict[str, Any]:
    if spec["replicas"] > 9:
        raise kopf.PermanentError("too many")
    kopf.info(body, reason="Ensured", message=f"{spec['replicas']} replicas")
    patch.status["replicas"] = spec["replicas"]
    return {"seen": spec["replicas"]}


@kopf.on.create(TABS, labels={"twice": "yes"})
def fail_once(retry: int, **_: Any) -> dict[str, Any]:
    if retry == 0:
        raise kopf.TemporaryError("not yet", delay=0.1)
    return {"retry": retry}


@kopf.on.delete(TABS)
def farewell(namespace: str, name: str, memo: kopf.Memo, **_: Any) -> None:
    memo["deleted"] = f"{namespace}/{name}"


@kopf.timer(TABS, interval=0.2, annotations={"ticking": kopf.PRESENT})
def tick(patch: kopf.Patch, status: kopf.Status, **_: Any) -> None:
    patch.status["ticks"] = status.get("ticks", 0) + 1


@kopf.daemon(TABS, annotations={"haunted": kopf.PRESENT}, cancellation_timeout=5)
async def haunt(stopped: kopf.DaemonStopped, body: kopf.Body, **_: Any) -> None:
    kopf.info(body, reason="Haunted", message="somebody is here")
    await stopped.wait()
    kopf.info(body, reason="Haunted", message="nobody is left")


@kopf.index("configmaps", labels={"colour": kopf.PRESENT})
def colours(name: str, labels: kopf.Labels, **_: Any) -> dict[str, str]:
    return {labels["colour"]: name}


@kopf.on.field(TABS, field="metadata.labels.colour")
def recoloured(new: str | None, colours: kopf.Index, patch: kopf.Patch, **_: Any) -> None:
    patch.status["maps"] = sorted(colours.get(new, [])) if new else []


@kopf.on.mutate(TABS)
def say_who(patch: kopf.Patch, userinfo: kopf.UserInfo, warnings: list[str], operation: str, **_: Any) -> None:
    if operation == "CREATE":
        patch.metadata.annotations["stable.example.com/by"] = userinfo["username"]
        warnings.append("crontabs are old-fashioned")


@kopf.on.validate(TABS)
def forbid(spec: kopf.Spec, **_: Any) -> None:
    if spec.get("selector") == "forbidden":
        raise kopf.AdmissionError("that selector is forbidden", code=451)

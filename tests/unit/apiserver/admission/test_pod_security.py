"""Pods in namespaces that ask for a level of the Pod Security Standards."""

from __future__ import annotations

from typing import Any

from wherry.testing.http import Answer, Api
from wherry.testing.manifests import pod

NAMESPACES = "/api/v1/namespaces"
PODS = f"{NAMESPACES}/team/pods"
LABEL = "pod-security.kubernetes.io/"
GOOD = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


async def namespace(api: Api, **levels: str) -> None:
    labels = {LABEL + mode.replace("_", "-"): value for mode, value in levels.items()}
    await api.create(NAMESPACES, {"metadata": {"name": "team", "labels": labels}})


def with_security(name: str, security: dict[str, Any], **pod_fields: Any) -> dict[str, Any]:
    made = pod(name)
    made["spec"]["containers"][0]["securityContext"] = security
    made["spec"].update(pod_fields)
    return made


def warning(answer: Answer) -> str:
    return answer.headers.get("Warning", "")


async def test_a_plain_pod_is_refused_where_restricted_is_enforced_with_everything_that_is_wrong(api: Api) -> None:
    await namespace(api, enforce="restricted")
    refused = await api("POST", PODS, pod("a"))
    assert (refused.status, refused.reason) == (403, "Forbidden")
    assert refused.message == (
        'pods "a" is forbidden: violates PodSecurity "restricted:latest": '
        'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), '
        'unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]), '
        'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), '
        'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to '
        '"RuntimeDefault" or "Localhost")'
    )
    assert (await api("POST", PODS, with_security("a", GOOD))).status == 201


async def test_baseline_lets_plain_pods_in_and_keeps_host_access_out(api: Api) -> None:
    await namespace(api, enforce="baseline", enforce_version="v1.30")
    assert (await api("POST", PODS, pod("a"))).status == 201
    refused = await api("POST", PODS, with_security("b", {"privileged": True}, hostNetwork=True))
    assert refused.message == (
        'pods "b" is forbidden: violates PodSecurity "baseline:v1.30": host namespaces (hostNetwork), '
        'privileged (container "main" must not set securityContext.privileged=true)'
    )


async def test_labels_hold_at_once_and_without_them_everything_goes(api: Api) -> None:
    await namespace(api)
    assert (await api("POST", PODS, with_security("a", {"privileged": True}))).status == 201
    patched = await api.patch(f"{NAMESPACES}/team", {"metadata": {"labels": {LABEL + "enforce": "baseline"}}})
    assert (await api("POST", PODS, with_security("b", {"privileged": True}))).status == 403
    assert patched.status == 200
    await api.patch(f"{NAMESPACES}/team", {"metadata": {"labels": {LABEL + "enforce": None}}})
    assert (await api("POST", PODS, with_security("b", {"privileged": True}))).status == 201


async def test_updates_are_judged_when_the_image_changes_only(api: Api) -> None:
    await namespace(api)
    await api.create(PODS, pod("a"))
    await api.patch(f"{NAMESPACES}/team", {"metadata": {"labels": {LABEL + "enforce": "restricted"}}})
    assert (await api.patch(f"{PODS}/a", {"metadata": {"labels": {"x": "y"}}})).status == 200
    image = [{"op": "replace", "path": "/spec/containers/0/image", "value": "other"}]
    assert (await api.patch(f"{PODS}/a", image, "json")).status == 403
    debug = {"spec": {"ephemeralContainers": [{"name": "d", "image": "busybox"}]}}
    assert (await api.patch(f"{PODS}/a/ephemeralcontainers", debug, "strategic")).status == 403


async def test_warn_lets_pods_in_and_tells_what_would_be_wrong(api: Api) -> None:
    await namespace(api, warn="restricted")
    made = await api("POST", PODS, with_security("a", {**GOOD, "runAsUser": 0}))
    assert made.status == 201
    assert warning(made) == (
        '299 - "would violate PodSecurity \\"restricted:latest\\": '
        'runAsUser=0 (container \\"main\\" must not set runAsUser=0)"'
    )


async def test_workloads_are_warned_about_their_templates_and_let_in(api: Api) -> None:
    await namespace(api, enforce="restricted", warn="baseline")
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {**pod("x")["spec"], "hostPID": True}}
    deployment = {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    made = await api("POST", "/apis/apps/v1/namespaces/team/deployments", deployment)
    assert made.status == 201
    assert 'would violate PodSecurity \\"baseline:latest\\": host namespaces (hostPID)' in warning(made)
    job = {"spec": {"template": {"spec": {**template["spec"], "restartPolicy": "Never"}}}}
    cron = {"metadata": {"name": "c"}, "spec": {"schedule": "* * * * *", "jobTemplate": job}}
    assert "hostPID" in warning(await api("POST", "/apis/batch/v1/namespaces/team/cronjobs", cron))


async def test_stricter_labels_warn_about_the_pods_that_are_there(api: Api) -> None:
    await namespace(api)
    for name in ("b", "a"):
        await api.create(PODS, with_security(name, {"privileged": True}))
    await api.create(PODS, pod("c"))
    reply = await api.reply(
        "PATCH",
        f"{NAMESPACES}/team",
        {"metadata": {"labels": {LABEL + "enforce": "baseline"}}},
        {"content-type": "application/merge-patch+json"},
    )
    assert [value for name, value in reply.headers if name == "Warning"] == [
        '299 - "existing pods in namespace \\"team\\" violate the new PodSecurity enforce level \\"baseline:latest\\""',
        '299 - "a (and 1 other pod): privileged"',
    ]


async def test_labels_that_mean_nothing_are_refused(api: Api) -> None:
    labels = {LABEL + "enforce": "strict", LABEL + "warn-version": "1.30"}
    refused = await api("POST", NAMESPACES, {"metadata": {"name": "team", "labels": labels}})
    assert refused.status == 422
    assert refused.message == (
        'Namespace "team" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": '
        "must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: "
        'Invalid value: "1.30": must be "latest" or "v1.x"]'
    )

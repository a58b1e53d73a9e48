"""Every resource that v1.36 serves by default: names, scope, short names, categories, subresources.

The schema says what a kind looks like; this table says where it is served. The order of the groups and versions is the
order of discovery. Source: `kubectl api-resources` and `/apis` of kube-apiserver v1.36.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.api.customresources.kind import CustomKind

STANDARD_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One resource at one version.

    `storage_version` names the version of its group under which objects are kept; versions of one kind share one key.
    `subresources` are names as in `pods/log`, without the prefix. `custom` is what a custom resource is made of.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = STANDARD_VERBS
    storage_version: str = ""
    singular: str = ""
    custom: CustomKind | None = field(default=None, compare=False, repr=False)

    @cached_property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @cached_property
    def list_kind(self) -> str:
        return f"{self.kind}List" if self.custom is None else self.custom.list_kind

    @cached_property
    def singular_name(self) -> str:
        return self.singular or self.kind.lower()

    @cached_property
    def qualified(self) -> str:
        """`pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def stored_at(self) -> str:
        """The version under which objects of this resource are kept."""
        return self.storage_version or self.version

    @cached_property
    def base_path(self) -> str:
        """`/api/v1`, `/apis/apps/v1`."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """The request path; a namespaced resource without a namespace means all namespaces."""
        parts = [self.base_path]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)


def _core() -> tuple[Resource, ...]:
    def core(plural: str, kind: str, **rest: object) -> Resource:
        return Resource("", "v1", plural, kind, **rest)  # type: ignore[arg-type]

    pod_subresources = (
        "attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize", "status",
    )  # fmt: skip
    return (
        core("bindings", "Binding", verbs=("create",)),
        core("componentstatuses", "ComponentStatus", namespaced=False, short_names=("cs",), verbs=("get", "list")),
        core("configmaps", "ConfigMap", short_names=("cm",)),
        core("endpoints", "Endpoints", short_names=("ep",), singular="endpoints"),
        core("events", "Event", short_names=("ev",)),
        core("limitranges", "LimitRange", short_names=("limits",)),
        core(
            "namespaces",
            "Namespace",
            namespaced=False,
            short_names=("ns",),
            subresources=("finalize", "status"),
            verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
        ),
        core("nodes", "Node", namespaced=False, short_names=("no",), subresources=("proxy", "status")),
        core("persistentvolumeclaims", "PersistentVolumeClaim", short_names=("pvc",), subresources=("status",)),
        core("persistentvolumes", "PersistentVolume", namespaced=False, short_names=("pv",), subresources=("status",)),
        core("pods", "Pod", short_names=("po",), categories=("all",), subresources=pod_subresources),
        core("podtemplates", "PodTemplate"),
        core(
            "replicationcontrollers",
            "ReplicationController",
            short_names=("rc",),
            categories=("all",),
            subresources=("scale", "status"),
        ),
        core("resourcequotas", "ResourceQuota", short_names=("quota",), subresources=("status",)),
        core("secrets", "Secret"),
        core("serviceaccounts", "ServiceAccount", short_names=("sa",), subresources=("token",)),
        core("services", "Service", short_names=("svc",), categories=("all",), subresources=("proxy", "status")),
    )


def _admissionregistration() -> tuple[Resource, ...]:
    group = "admissionregistration.k8s.io"
    kinds = (
        ("mutatingadmissionpolicies", "MutatingAdmissionPolicy", ()),
        ("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", ()),
        ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", ()),
        ("validatingadmissionpolicies", "ValidatingAdmissionPolicy", ("status",)),
        ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", ()),
        ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", ()),
    )
    return tuple(
        Resource(group, "v1", plural, kind, namespaced=False, categories=("api-extensions",), subresources=subresources)
        for plural, kind, subresources in kinds
    )


def _scaled(group: str, plural: str, kind: str, short: str) -> Resource:
    return Resource(
        group, "v1", plural, kind, short_names=(short,), categories=("all",), subresources=("scale", "status")
    )


def _review(group: str, plural: str, kind: str, *, namespaced: bool = False) -> Resource:
    return Resource(group, "v1", plural, kind, namespaced=namespaced, verbs=("create",))


def _cluster(group: str, plural: str, kind: str, *, short: str = "", subresources: tuple[str, ...] = ()) -> Resource:
    return Resource(
        group,
        "v1",
        plural,
        kind,
        namespaced=False,
        short_names=(short,) if short else (),
        subresources=subresources,
    )


def _named() -> tuple[Resource, ...]:
    authorization, rbac, storage = "authorization.k8s.io", "rbac.authorization.k8s.io", "storage.k8s.io"
    networking, dra, flow = "networking.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io"
    status = ("status",)
    hpa = {
        "short_names": ("hpa",),
        "categories": ("all",),
        "subresources": status,
        "storage_version": "v2",
    }
    return (
        Resource(
            "apiregistration.k8s.io",
            "v1",
            "apiservices",
            "APIService",
            namespaced=False,
            categories=("api-extensions",),
            subresources=status,
        ),
        Resource("apps", "v1", "controllerrevisions", "ControllerRevision"),
        Resource("apps", "v1", "daemonsets", "DaemonSet", True, ("ds",), ("all",), status),
        _scaled("apps", "deployments", "Deployment", "deploy"),
        _scaled("apps", "replicasets", "ReplicaSet", "rs"),
        _scaled("apps", "statefulsets", "StatefulSet", "sts"),
        Resource("events.k8s.io", "v1", "events", "Event", short_names=("ev",)),
        _review("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
        _review("authentication.k8s.io", "tokenreviews", "TokenReview"),
        _review(authorization, "localsubjectaccessreviews", "LocalSubjectAccessReview", namespaced=True),
        _review(authorization, "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        _review(authorization, "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
        _review(authorization, "subjectaccessreviews", "SubjectAccessReview"),
        Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", **hpa),  # type: ignore[arg-type]
        Resource("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", **hpa),  # type: ignore[arg-type]
        Resource("batch", "v1", "cronjobs", "CronJob", True, ("cj",), ("all",), status),
        Resource("batch", "v1", "jobs", "Job", True, (), ("all",), status),
        _cluster(
            "certificates.k8s.io",
            "certificatesigningrequests",
            "CertificateSigningRequest",
            short="csr",
            subresources=("approval", "status"),
        ),
        _cluster(networking, "ingressclasses", "IngressClass"),
        Resource(networking, "v1", "ingresses", "Ingress", True, ("ing",), (), status),
        _cluster(networking, "ipaddresses", "IPAddress", short="ip"),
        Resource(networking, "v1", "networkpolicies", "NetworkPolicy", short_names=("netpol",)),
        _cluster(networking, "servicecidrs", "ServiceCIDR", subresources=status),
        Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True, ("pdb",), (), status),
        _cluster(rbac, "clusterrolebindings", "ClusterRoleBinding"),
        _cluster(rbac, "clusterroles", "ClusterRole"),
        Resource(rbac, "v1", "rolebindings", "RoleBinding"),
        Resource(rbac, "v1", "roles", "Role"),
        _cluster(storage, "csidrivers", "CSIDriver"),
        _cluster(storage, "csinodes", "CSINode"),
        Resource(storage, "v1", "csistoragecapacities", "CSIStorageCapacity"),
        _cluster(storage, "storageclasses", "StorageClass", short="sc"),
        _cluster(storage, "volumeattachments", "VolumeAttachment", subresources=status),
        _cluster(storage, "volumeattributesclasses", "VolumeAttributesClass", short="vac"),
        Resource(
            "apiextensions.k8s.io",
            "v1",
            "customresourcedefinitions",
            "CustomResourceDefinition",
            namespaced=False,
            short_names=("crd", "crds"),
            categories=("api-extensions",),
            subresources=status,
        ),
        _cluster("scheduling.k8s.io", "priorityclasses", "PriorityClass", short="pc"),
        Resource("coordination.k8s.io", "v1", "leases", "Lease"),
        _cluster("node.k8s.io", "runtimeclasses", "RuntimeClass"),
        Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
        _cluster(flow, "flowschemas", "FlowSchema", subresources=status),
        _cluster(flow, "prioritylevelconfigurations", "PriorityLevelConfiguration", subresources=status),
        _cluster(dra, "deviceclasses", "DeviceClass"),
        Resource(dra, "v1", "resourceclaims", "ResourceClaim", subresources=status),
        Resource(dra, "v1", "resourceclaimtemplates", "ResourceClaimTemplate"),
        _cluster(dra, "resourceslices", "ResourceSlice"),
    )


BUILTIN: tuple[Resource, ...] = (*_core(), *_named(), *_admissionregistration())

_BY_NAME: dict[str, Resource] = {}
for _resource in BUILTIN:
    _BY_NAME.setdefault(_resource.qualified, _resource)
    _BY_NAME.setdefault(f"{_resource.plural}.{_resource.version}.{_resource.group}", _resource)
for _resource in BUILTIN:
    _BY_NAME.setdefault(_resource.plural, _resource)
_BY_KIND: dict[tuple[str, str], Resource] = {(r.api_version, r.kind): r for r in BUILTIN}


def lookup(name: str) -> Resource:
    """A built-in resource by `pods`, `deployments.apps` or `deployments.v1.apps`. Raises `KeyError`."""
    return _BY_NAME[name]


def for_kind(api_version: str, kind: str) -> Resource:
    """The built-in resource of an object's `apiVersion` and `kind`. Raises `KeyError`."""
    return _BY_KIND[api_version, kind]

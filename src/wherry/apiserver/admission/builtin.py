"""The plugins that every server has, in the order in which they run."""

from __future__ import annotations

from wherry.apiserver.admission import (
    certificate_requests,
    default_classes,
    escalation,
    limit_ranger,
    namespace_lifecycle,
    node_restriction,
    node_taints,
    pod_security,
    pod_topology,
    policy_parameters,
    priority,
    runtime_class,
    service_account,
    storage_in_use,
    tolerations,
    volume_resize,
)
from wherry.apiserver.admission.chain import Rule
from wherry.apiserver.quotas import charges

_CREATE, _UPDATE, _DELETE = frozenset({"CREATE"}), frozenset({"UPDATE"}), frozenset({"DELETE"})
_WRITES = _CREATE | _UPDATE
_PODS = frozenset({"pods"})
_RESIZE = frozenset({"resize"})
_CLAIMS = frozenset({"persistentvolumeclaims"})
_RBAC = "rbac.authorization.k8s.io"
_ROLES = frozenset({f"roles.{_RBAC}", f"clusterroles.{_RBAC}"})
_BINDINGS = frozenset({f"rolebindings.{_RBAC}", f"clusterrolebindings.{_RBAC}"})
_CERTIFICATE_REQUESTS = frozenset({"certificatesigningrequests.certificates.k8s.io"})

SERVICE_ACCOUNT = Rule(plugin=service_account.on_create, name="ServiceAccount", operations=_CREATE, resources=_PODS)

RULES: tuple[Rule, ...] = (
    Rule(
        plugin=namespace_lifecycle.on_create,
        name="NamespaceLifecycle",
        operations=_CREATE,
        subresources=frozenset({"*"}),
    ),
    Rule(
        plugin=namespace_lifecycle.on_delete,
        name="NamespaceLifecycle",
        operations=_DELETE,
        resources=frozenset({"namespaces"}),
    ),
    Rule(plugin=limit_ranger.set_pod_defaults, name="LimitRanger", operations=_CREATE, resources=_PODS),
    SERVICE_ACCOUNT,
    Rule(
        plugin=node_restriction.on_write,
        name="NodeRestriction",
        operations=_WRITES | _DELETE,
        resources=node_restriction.RESOURCES,
        subresources=frozenset({"*"}),
    ),
    Rule(plugin=priority.on_create, name="Priority", operations=_CREATE, resources=_PODS),
    Rule(plugin=tolerations.on_write, name="DefaultTolerationSeconds", operations=_WRITES, resources=_PODS),
    Rule(
        plugin=node_taints.on_create, name="TaintNodesByCondition", operations=_CREATE, resources=frozenset({"nodes"})
    ),
    Rule(plugin=default_classes.on_create_claim, name="DefaultStorageClass", operations=_CREATE, resources=_CLAIMS),
    Rule(
        plugin=storage_in_use.on_create_claim,
        name="StorageObjectInUseProtection",
        operations=_CREATE,
        resources=_CLAIMS,
    ),
    Rule(
        plugin=storage_in_use.on_create_volume,
        name="StorageObjectInUseProtection",
        operations=_CREATE,
        resources=frozenset({"persistentvolumes"}),
    ),
    Rule(plugin=runtime_class.on_create, name="RuntimeClass", operations=_CREATE, resources=_PODS),
    Rule(
        plugin=default_classes.on_create_ingress,
        name="DefaultIngressClass",
        operations=_CREATE,
        resources=frozenset({"ingresses.networking.k8s.io"}),
    ),
    Rule(
        plugin=pod_topology.on_bind,
        name="PodTopologyLabels",
        operations=_CREATE,
        resources=_PODS,
        subresources=frozenset({"binding"}),
    ),
    Rule(plugin=pod_topology.on_create, name="PodTopologyLabels", operations=_CREATE, resources=_PODS),
    Rule(plugin=certificate_requests.on_create, operations=_CREATE, resources=_CERTIFICATE_REQUESTS),
    Rule(
        plugin=certificate_requests.restrict_subject,
        name="CertificateSubjectRestriction",
        operations=_CREATE,
        resources=_CERTIFICATE_REQUESTS,
        validating=True,
    ),
    Rule(
        plugin=certificate_requests.on_approval,
        name="CertificateApproval",
        operations=_UPDATE,
        resources=_CERTIFICATE_REQUESTS,
        subresources=frozenset({"approval"}),
        validating=True,
    ),
    Rule(
        plugin=certificate_requests.on_status,
        operations=_UPDATE,
        resources=_CERTIFICATE_REQUESTS,
        subresources=frozenset({"status"}),
        validating=True,
    ),
    Rule(plugin=limit_ranger.check_pod, name="LimitRanger", operations=_CREATE, resources=_PODS, validating=True),
    Rule(
        plugin=limit_ranger.check_pod,
        name="LimitRanger",
        operations=_UPDATE,
        resources=_PODS,
        subresources=_RESIZE,
        validating=True,
    ),
    Rule(plugin=limit_ranger.check_claim, name="LimitRanger", operations=_WRITES, resources=_CLAIMS, validating=True),
    Rule(plugin=runtime_class.check, name="RuntimeClass", operations=_CREATE, resources=_PODS, validating=True),
    Rule(
        plugin=volume_resize.on_update,
        name="PersistentVolumeClaimResize",
        operations=_UPDATE,
        resources=_CLAIMS,
        validating=True,
    ),
    Rule(
        plugin=pod_security.on_write_pod,
        name="PodSecurity",
        operations=_WRITES,
        resources=_PODS,
        subresources=frozenset({"", "ephemeralcontainers", "resize"}),
        validating=True,
    ),
    Rule(
        plugin=pod_security.on_write_workload,
        name="PodSecurity",
        operations=_WRITES,
        resources=pod_security.WORKLOADS,
        validating=True,
    ),
    Rule(
        plugin=pod_security.on_write_namespace,
        name="PodSecurity",
        operations=_WRITES,
        resources=frozenset({"namespaces"}),
        validating=True,
    ),
    Rule(
        plugin=charges.on_update_status,
        operations=_UPDATE,
        resources=frozenset({"resourcequotas"}),
        subresources=frozenset({"status"}),
        validating=True,
    ),
    Rule(
        plugin=policy_parameters.on_write_policy,
        operations=_WRITES,
        resources=policy_parameters.POLICIES,
        validating=True,
    ),
    Rule(
        plugin=policy_parameters.on_write_binding,
        operations=_WRITES,
        resources=policy_parameters.BINDINGS,
        validating=True,
    ),
    Rule(plugin=escalation.on_write_role, operations=_WRITES, resources=_ROLES, validating=True),
    Rule(plugin=escalation.on_write_binding, operations=_WRITES, resources=_BINDINGS, validating=True),
)

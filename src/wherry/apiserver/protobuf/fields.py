"""The field numbers of messages: what is fixed for ever by the protocol, listed by number.

Each line lists names in the order of their numbers, from 1. `-` leaves a number out, `=12` goes on at that number. `*`
marks fields that are sent only when set, so that their zero means something; `~X` is an embedded message whose fields
belong to the parent in JSON. Names are those of the schema's definitions without their common prefix.
Source: "API encoding: Kubernetes Protobuf" in the Kubernetes documentation; k8s.io/api.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_THREE: Final = "metadata spec status"
_KEY_SELECTOR: Final = "~core.v1.LocalObjectReference key optional*"
_PROJECTED: Final = "~core.v1.LocalObjectReference items - optional*"

FIELDS: Final[Mapping[str, str]] = {
    "meta.v1.ObjectMeta": (
        "name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp"
        " deletionGracePeriodSeconds* labels annotations ownerReferences finalizers =17 managedFields"
    ),
    "meta.v1.OwnerReference": "kind - name uid apiVersion controller* blockOwnerDeletion*",
    "meta.v1.ManagedFieldsEntry": "manager operation apiVersion time - fieldsType fieldsV1 subresource",
    "meta.v1.LabelSelector": "matchLabels matchExpressions",
    "meta.v1.LabelSelectorRequirement": "key operator values",
    "meta.v1.DeleteOptions": "gracePeriodSeconds* preconditions orphanDependents* propagationPolicy* dryRun",
    "meta.v1.Preconditions": "uid* resourceVersion*",
    "meta.v1.Condition": "type status observedGeneration lastTransitionTime reason message",
    "authentication.v1.SelfSubjectReview": "metadata status",
    "authentication.v1.SelfSubjectReviewStatus": "userInfo",
    "authentication.v1.UserInfo": "username uid groups extra",
    "authentication.v1.TokenRequest": _THREE,
    "authentication.v1.TokenRequestSpec": "audiences - boundObjectRef expirationSeconds*",
    "authentication.v1.TokenRequestStatus": "token expirationTimestamp",
    "authentication.v1.BoundObjectReference": "kind apiVersion name uid",
    "authentication.v1.TokenReview": _THREE,
    "authentication.v1.TokenReviewSpec": "token audiences",
    "authentication.v1.TokenReviewStatus": "authenticated user error audiences",
    "authorization.v1.SelfSubjectAccessReview": _THREE,
    "authorization.v1.SelfSubjectAccessReviewSpec": "resourceAttributes nonResourceAttributes",
    "authorization.v1.SubjectAccessReview": _THREE,
    "authorization.v1.LocalSubjectAccessReview": _THREE,
    "authorization.v1.SubjectAccessReviewSpec": "resourceAttributes nonResourceAttributes user groups extra uid",
    "authorization.v1.SubjectAccessReviewStatus": "allowed reason evaluationError denied",
    "authorization.v1.ResourceAttributes": "namespace verb group version resource subresource name",
    "authorization.v1.NonResourceAttributes": "path verb",
    "authorization.v1.SelfSubjectRulesReview": _THREE,
    "authorization.v1.SelfSubjectRulesReviewSpec": "namespace",
    "authorization.v1.SubjectRulesReviewStatus": "resourceRules nonResourceRules incomplete evaluationError",
    "core.v1.Binding": "metadata target",
    "core.v1.ConfigMap": "metadata data binaryData immutable*",
    "core.v1.Secret": "metadata data type stringData immutable*",
    "core.v1.Namespace": _THREE,
    "core.v1.NamespaceSpec": "finalizers",
    "core.v1.NamespaceStatus": "phase conditions",
    "core.v1.ServiceAccount": "metadata secrets imagePullSecrets automountServiceAccountToken*",
    "core.v1.ObjectReference": "kind namespace name uid apiVersion resourceVersion fieldPath",
    "core.v1.LocalObjectReference": "name",
    "core.v1.ResourceQuota": _THREE,
    "core.v1.ResourceQuotaSpec": "hard scopes scopeSelector",
    "core.v1.ResourceQuotaStatus": "hard used",
    "core.v1.Service": _THREE,
    "core.v1.ServiceSpec": (
        "ports selector clusterIP type externalIPs - sessionAffinity loadBalancerIP loadBalancerSourceRanges"
        " externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig"
        " =17 ipFamilyPolicy* clusterIPs ipFamilies allocateLoadBalancerNodePorts* loadBalancerClass*"
        " internalTrafficPolicy* trafficDistribution*"
    ),
    "core.v1.ServicePort": "name protocol port targetPort nodePort appProtocol*",
    "core.v1.ServiceStatus": "loadBalancer conditions",
    "core.v1.LoadBalancerStatus": "ingress",
    "core.v1.Pod": _THREE,
    "core.v1.PodTemplateSpec": "metadata spec",
    "core.v1.PodSpec": (
        "volumes containers restartPolicy terminationGracePeriodSeconds* activeDeadlineSeconds* dnsPolicy nodeSelector"
        " serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC securityContext imagePullSecrets"
        " hostname subdomain affinity schedulerName initContainers automountServiceAccountToken* tolerations"
        " hostAliases priorityClassName priority* dnsConfig shareProcessNamespace* readinessGates runtimeClassName*"
        " enableServiceLinks* preemptionPolicy* overhead topologySpreadConstraints ephemeralContainers"
        " setHostnameAsFQDN* os hostUsers* schedulingGates"
    ),
    "core.v1.PodStatus": (
        "phase conditions message reason hostIP podIP startTime containerStatuses qosClass initContainerStatuses"
        " nominatedNodeName podIPs"
    ),
    "core.v1.PodCondition": "type status lastProbeTime lastTransitionTime reason message",
    "core.v1.PodIP": "ip",
    "core.v1.Container": (
        "name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle"
        " terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom terminationMessagePolicy"
        " volumeDevices startupProbe resizePolicy restartPolicy*"
    ),
    "core.v1.ContainerPort": "name hostPort containerPort protocol hostIP",
    "core.v1.ContainerResizePolicy": "resourceName restartPolicy",
    "core.v1.ResourceRequirements": "limits requests claims",
    "core.v1.EnvVar": "name value valueFrom",
    "core.v1.EnvVarSource": "fieldRef resourceFieldRef configMapKeyRef secretKeyRef",
    "core.v1.ObjectFieldSelector": "apiVersion fieldPath",
    "core.v1.ResourceFieldSelector": "containerName resource divisor",
    "core.v1.ConfigMapKeySelector": _KEY_SELECTOR,
    "core.v1.SecretKeySelector": _KEY_SELECTOR,
    "core.v1.EnvFromSource": "prefix configMapRef secretRef",
    "core.v1.ConfigMapEnvSource": "~core.v1.LocalObjectReference optional*",
    "core.v1.SecretEnvSource": "~core.v1.LocalObjectReference optional*",
    "core.v1.VolumeMount": "name readOnly mountPath subPath mountPropagation* subPathExpr recursiveReadOnly*",
    "core.v1.Volume": "name ~core.v1.VolumeSource",
    "core.v1.VolumeSource": (
        "hostPath emptyDir - - - secret nfs - - persistentVolumeClaim =16 downwardAPI =19 configMap =26 projected =28 csi"
    ),
    "core.v1.HostPathVolumeSource": "path type*",
    "core.v1.EmptyDirVolumeSource": "medium sizeLimit",
    "core.v1.SecretVolumeSource": "secretName items defaultMode* optional*",
    "core.v1.KeyToPath": "key path mode*",
    "core.v1.NFSVolumeSource": "server path readOnly",
    "core.v1.PersistentVolumeClaimVolumeSource": "claimName readOnly",
    "core.v1.DownwardAPIVolumeSource": "items defaultMode*",
    "core.v1.DownwardAPIVolumeFile": "path fieldRef resourceFieldRef mode*",
    "core.v1.ConfigMapVolumeSource": "~core.v1.LocalObjectReference items defaultMode* optional*",
    "core.v1.ProjectedVolumeSource": "sources defaultMode*",
    "core.v1.VolumeProjection": "secret downwardAPI configMap serviceAccountToken",
    "core.v1.SecretProjection": _PROJECTED,
    "core.v1.ConfigMapProjection": _PROJECTED,
    "core.v1.DownwardAPIProjection": "items",
    "core.v1.ServiceAccountTokenProjection": "audience expirationSeconds* path",
    "core.v1.Probe": (
        "~core.v1.ProbeHandler initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold"
        " terminationGracePeriodSeconds*"
    ),
    "core.v1.ProbeHandler": "exec httpGet tcpSocket grpc",
    "core.v1.Lifecycle": "postStart preStop",
    "core.v1.LifecycleHandler": "exec httpGet tcpSocket sleep",
    "core.v1.ExecAction": "command",
    "core.v1.HTTPGetAction": "path port host scheme httpHeaders",
    "core.v1.HTTPHeader": "name value",
    "core.v1.TCPSocketAction": "port host",
    "core.v1.GRPCAction": "port service*",
    "core.v1.SleepAction": "seconds",
    "core.v1.SecurityContext": (
        "capabilities privileged* seLinuxOptions runAsUser* runAsNonRoot* readOnlyRootFilesystem*"
        " allowPrivilegeEscalation* runAsGroup* procMount* - seccompProfile"
    ),
    "core.v1.Capabilities": "add drop",
    "core.v1.SELinuxOptions": "user role type level",
    "core.v1.SeccompProfile": "type localhostProfile*",
    "core.v1.PodSecurityContext": (
        "seLinuxOptions runAsUser* runAsNonRoot* supplementalGroups fsGroup* runAsGroup* sysctls -"
        " fsGroupChangePolicy* seccompProfile"
    ),
    "core.v1.Sysctl": "name value",
    "core.v1.Toleration": "key operator value effect tolerationSeconds*",
    "core.v1.HostAlias": "ip hostnames",
    "core.v1.PodDNSConfig": "nameservers searches options",
    "core.v1.PodDNSConfigOption": "name value*",
    "core.v1.Event": (
        "metadata involvedObject reason message source firstTimestamp lastTimestamp count type eventTime series action"
        " related reportingComponent reportingInstance"
    ),
    "core.v1.EventSource": "component host",
    "core.v1.EventSeries": "count lastObservedTime",
    "apps.v1.Deployment": _THREE,
    "apps.v1.DeploymentSpec": (
        "replicas* selector template strategy minReadySeconds revisionHistoryLimit* paused - progressDeadlineSeconds*"
    ),
    "apps.v1.DeploymentStrategy": "type rollingUpdate",
    "apps.v1.RollingUpdateDeployment": "maxUnavailable maxSurge",
    "apps.v1.DeploymentStatus": (
        "observedGeneration replicas updatedReplicas availableReplicas unavailableReplicas conditions readyReplicas"
        " collisionCount*"
    ),
    "apps.v1.DeploymentCondition": "type status - reason message lastUpdateTime lastTransitionTime",
    "batch.v1.Job": _THREE,
    "batch.v1.JobSpec": (
        "parallelism* completions* activeDeadlineSeconds* selector manualSelector* template backoffLimit*"
        " ttlSecondsAfterFinished* completionMode* suspend* - backoffLimitPerIndex* maxFailedIndexes*"
        " podReplacementPolicy* managedBy*"
    ),
    "batch.v1.JobStatus": "conditions startTime completionTime active succeeded failed completedIndexes - ready*",
    "batch.v1.JobCondition": "type status lastProbeTime lastTransitionTime reason message",
    "batch.v1.CronJob": _THREE,
    "batch.v1.CronJobSpec": (
        "schedule startingDeadlineSeconds* concurrencyPolicy suspend* jobTemplate successfulJobsHistoryLimit*"
        " failedJobsHistoryLimit* timeZone*"
    ),
    "batch.v1.JobTemplateSpec": "metadata spec",
    "batch.v1.CronJobStatus": "active - - lastScheduleTime lastSuccessfulTime",
    "networking.v1.Ingress": _THREE,
    "networking.v1.IngressSpec": "defaultBackend tls rules ingressClassName*",
    "networking.v1.IngressBackend": "- - resource service",
    "core.v1.TypedLocalObjectReference": "apiGroup* kind name",
    "networking.v1.IngressServiceBackend": "name port",
    "networking.v1.ServiceBackendPort": "name number",
    "networking.v1.IngressTLS": "hosts secretName",
    "networking.v1.IngressRule": "host ~networking.v1.IngressRuleValue",
    "networking.v1.IngressRuleValue": "http",
    "networking.v1.HTTPIngressRuleValue": "paths",
    "networking.v1.HTTPIngressPath": "path backend pathType*",
    "networking.v1.IngressStatus": "loadBalancer",
    "networking.v1.IngressLoadBalancerStatus": "ingress",
    "rbac.v1.Role": "metadata rules",
    "rbac.v1.ClusterRole": "metadata rules aggregationRule",
    "rbac.v1.PolicyRule": "verbs apiGroups resources resourceNames nonResourceURLs",
    "rbac.v1.AggregationRule": "clusterRoleSelectors",
    "rbac.v1.RoleBinding": "metadata subjects roleRef",
    "rbac.v1.ClusterRoleBinding": "metadata subjects roleRef",
    "rbac.v1.Subject": "kind apiGroup name namespace",
    "rbac.v1.RoleRef": "apiGroup kind name",
    "policy.v1.PodDisruptionBudget": _THREE,
    "policy.v1.PodDisruptionBudgetSpec": "minAvailable selector maxUnavailable unhealthyPodEvictionPolicy*",
    "policy.v1.PodDisruptionBudgetStatus": (
        "observedGeneration disruptedPods disruptionsAllowed currentHealthy desiredHealthy expectedPods conditions"
    ),
    "policy.v1.Eviction": "metadata deleteOptions",
    "scheduling.v1.PriorityClass": "metadata value globalDefault description preemptionPolicy*",
    "certificates.v1.CertificateSigningRequest": _THREE,
    "certificates.v1.CertificateSigningRequestSpec": (
        "request username uid groups usages extra signerName expirationSeconds*"
    ),
    "certificates.v1.CertificateSigningRequestStatus": "conditions certificate",
    "certificates.v1.CertificateSigningRequestCondition": (
        "type reason message lastUpdateTime lastTransitionTime status"
    ),
    "coordination.v1.Lease": "metadata spec",
    "coordination.v1.LeaseSpec": (
        "holderIdentity* leaseDurationSeconds* acquireTime renewTime leaseTransitions* strategy* preferredHolder*"
    ),
    "autoscaling.v1.Scale": _THREE,
    "autoscaling.v1.ScaleSpec": "replicas",
    "autoscaling.v1.ScaleStatus": "replicas selector",
    "autoscaling.v1.HorizontalPodAutoscaler": _THREE,
    "autoscaling.v1.HorizontalPodAutoscalerSpec": (
        "scaleTargetRef minReplicas* maxReplicas targetCPUUtilizationPercentage*"
    ),
    "autoscaling.v1.HorizontalPodAutoscalerStatus": (
        "observedGeneration* lastScaleTime currentReplicas desiredReplicas currentCPUUtilizationPercentage*"
    ),
    "autoscaling.v1.CrossVersionObjectReference": "kind name apiVersion",
    "autoscaling.v2.HorizontalPodAutoscaler": _THREE,
    "autoscaling.v2.HorizontalPodAutoscalerSpec": "scaleTargetRef minReplicas* maxReplicas metrics",
    "autoscaling.v2.CrossVersionObjectReference": "kind name apiVersion",
    "autoscaling.v2.MetricSpec": "type - - resource",
    "autoscaling.v2.ResourceMetricSource": "name target",
    "autoscaling.v2.MetricTarget": "type value averageValue averageUtilization*",
    "autoscaling.v2.HorizontalPodAutoscalerStatus": (
        "observedGeneration* lastScaleTime currentReplicas desiredReplicas"
    ),
}


def numbered(line: str) -> dict[int, str]:
    """A line of the table by number, marks included."""
    found: dict[int, str] = {}
    number = 1
    for word in line.split():
        if word.startswith("="):
            number = int(word[1:])
            continue
        if word != "-":
            found[number] = word
        number += 1
    return found

"""An operator: a Website becomes a Deployment, and its status tells how many pods of it are ready."""

import os

import kopf
import kubernetes


@kopf.on.startup()
def connect(settings: kopf.OperatorSettings, **_):
    # Said, because the library looks at the environment only once, when it is imported.
    kubernetes.config.load_kube_config(os.environ.get("KUBECONFIG"))
    settings.persistence.finalizer = "example.com/websites"


@kopf.on.login()
def login(**kwargs):
    return kopf.login_with_kubeconfig(**kwargs)


@kopf.on.create("websites.example.com")
@kopf.on.update("websites.example.com", field="spec")
@kopf.on.resume("websites.example.com")
def ensure(name, namespace, spec, **_):
    """Bring the Deployment to what the Website says; kopf calls again when this fails."""
    apps = kubernetes.client.AppsV1Api()
    labels = {"website": name}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": spec["replicas"],
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": spec["image"]}]},
            },
        },
    }
    kopf.adopt(deployment)  # deleting the Website deletes the Deployment
    try:
        apps.create_namespaced_deployment(namespace, deployment)
    except kubernetes.client.ApiException as error:
        if error.status != 409:
            raise kopf.TemporaryError(f"the Deployment: {error.reason}", delay=0.2) from error
        apps.patch_namespaced_deployment(name, namespace, deployment)


@kopf.on.event("deployments.apps", labels={"website": kopf.PRESENT})
def tell(name, namespace, status, **_):
    """Carry over how many pods are ready."""
    ready = {"status": {"ready": status.get("readyReplicas", 0)}}
    try:
        kubernetes.client.CustomObjectsApi().patch_namespaced_custom_object_status(
            "example.com", "v1", namespace, "websites", name, ready
        )
    except kubernetes.client.ApiException as error:
        if error.status != 404:  # the Website is gone, its Deployment soon will be
            raise

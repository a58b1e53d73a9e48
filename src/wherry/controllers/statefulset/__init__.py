"""StatefulSet: pods with names, order and claims of their own.

`identity` makes names, pods and claims; `plan` decides the next steps; both pure. `controller` is the loop.
Source: k8s.io/kubernetes pkg/controller/statefulset.
"""

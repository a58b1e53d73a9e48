"""Deployment: bring pods from one template to the next through replica sets.

`controller` is the loop; `rolling` decides sizes, `revisions` which set is which, `status` the conditions: all pure.
Source of all rules: k8s.io/kubernetes pkg/controller/deployment.
"""

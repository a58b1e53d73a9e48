"""Job: run pods until enough have succeeded, or too many failed.

`pods_of` classifies pods, `indexes` is the compressed form of index sets, `policies` the failure and success policies,
`verdict` decides how many pods should run and when the job is over: all pure. `tracking` counts each pod exactly once,
by its finalizer; `controller` is the loop. Source: k8s.io/kubernetes pkg/controller/job.
"""

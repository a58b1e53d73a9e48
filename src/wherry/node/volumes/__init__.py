"""Volumes of pods on the node's disk, a file per kind.

`kinds` is the table of what there is, `pod_volumes` sets up and refreshes all of a pod's, `mounts` says what a container
sees of them. Volumes that carry data (configMap, secret, downwardAPI, projected) make a `Payload`, which `atomic_writer`
brings to disk in one step.
"""

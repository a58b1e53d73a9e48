"""A node: pod workers, probes, volumes, images, logs and exec, over a runtime and a pod network.

`runtimes/port.py` and `network_port.py` say what a node needs; the pod worker decides what to do with pure functions.
"""

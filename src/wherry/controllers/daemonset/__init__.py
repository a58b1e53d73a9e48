"""DaemonSet: one pod on every node that it fits. `placement` decides (pure), `controller` is the loop.

Source: k8s.io/kubernetes pkg/controller/daemon.
"""

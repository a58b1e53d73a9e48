"""The node's own HTTP server: logs, exec, attach, port-forward, its pods. What upstream calls the kubelet API.

Read `port` for what it needs of the node, `app` for the routes, then one file per endpoint.
"""

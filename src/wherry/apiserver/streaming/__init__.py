"""Pods' log, exec, attach and port-forward: the API server finds the node and joins the client with its server.

Read `pod_streams`; `stages` is what plugs it into the server.
"""

"""HTTP/1.1, WebSocket and SPDY/3.1 on asyncio: server and client, no word of Kubernetes.

Read `messages` first: what a handler gets and gives. The API server, the node's server and the client all stand on it.
"""

"""Meeting a Kubernetes cluster, ours or somebody else's: transports, client, informers, work queue, events, election.

Read `client` first, then `informer`; `transport` is the port below them.
"""

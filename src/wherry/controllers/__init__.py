"""Controllers: each brings one kind of object from what is to what is asked for. They meet the cluster only as clients.

Read `controller` (the loop round every reconcile function) and `context` (what each is given) first; `manager` starts
them all. Decisions are pure functions; `replicaset` and `deployment` show the pattern.
"""

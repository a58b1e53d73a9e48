"""Objects for people, as `kubectl describe` lays them out: a file per family of kinds, `kinds` has the table.

Source: k8s.io/kubectl/pkg/describe. What only a second request can tell (events, the pods of a node) is asked for by
`Cluster`; the rest is text from the object.
"""

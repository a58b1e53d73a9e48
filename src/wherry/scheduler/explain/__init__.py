"""Why a pod has no node, and the smallest change that would give it one. Pure: objects in, an explanation out.

world.py         the cluster in which changes are tried, and taken back
changes.py       single changes to a pod, a node or the pods on it
repairs.py       per rule, the changes that would satisfy it on one node
explanation.py   which rule rules out which nodes, and the plans that work
"""

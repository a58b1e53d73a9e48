"""Thousands of nodes and pods that only pretend, from one component: for simulations and for the tests of users.

Unlike `wherry.node.runtimes.fake`, which is a runtime under a real node agent, nothing here has a worker of its own: one
informer sees all pods, one queue wakes those whose time has come, and what is to be written follows from a pod's status.
Read `life.py` for what can be asked of a pod, then `stages.py` for what follows from it.
"""

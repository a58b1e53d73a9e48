"""Volumes and claims as the plugins see them, and binding them once a node is chosen.

view.py       claims, volumes and classes, with what has been decided and not been written yet
decision.py   what a pod's claims get on a node, or why they get nothing there; pure
writes.py     carrying a decision out, and waiting until the claims are bound
"""

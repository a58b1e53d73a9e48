"""Pods as data: what a pod wants, what should be done next, what its status says. Pure functions, no I/O.

Reading order: `spec` (questions to a pod's spec), `observed` (what is known about it), `plan` (what to do), `status`
(what to tell the API); the rest are parts of those.
"""

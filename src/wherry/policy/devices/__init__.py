"""Devices and claims for them (dynamic resource allocation): what a claim asks for, and which devices it gets. Pure.

`claims` reads the objects, `offers` gathers the devices that a node can have, `allocator` chooses.
Source: k8s.io/dynamic-resource-allocation (KEP-4381).
"""

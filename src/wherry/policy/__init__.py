"""Decisions about who may do what, as pure functions over data: users, RBAC, quota, pod security."""

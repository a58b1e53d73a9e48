"""Managed fields in the API server: who sets what with which write, and server-side apply.

`tracking` is for creates, updates and patches, `apply` for applies; both hook in before admission, as upstream: what
admission changes has no owner. The decisions are in `wherry.machinery.fieldsets`.
"""

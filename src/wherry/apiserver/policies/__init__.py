"""Admission policies: rules in CEL that the server itself keeps, ValidatingAdmissionPolicy and MutatingAdmissionPolicy.

`selecting` decides which policies with which bindings are concerned, `parameters` finds what they are bound to, `seen` is
what their expressions may look at; `validating` and `mutating` are the plugins. The rules themselves are evaluated by
`wherry.policy.admission`, which knows no server. Modules with CEL in them are loaded with the first policy.
"""

"""The shape of every built-in kind, from the published OpenAPI definitions of v1.36, compiled per kind when first used.

`definitions` reads the generated file; `decode` checks and prunes objects; `patching` tells merge keys and list types;
`openapi` publishes. Nothing is read before it is asked for.
"""

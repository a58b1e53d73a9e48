"""Custom resources, as far as they are pure: what a definition must look like, and what its schema does to objects.

Read `structural` (a schema compiled once), then `pruning`, `defaulting` and `checks` (what it does), `kind` (one version of
a definition put together), `definition_rules` and `schema_rules` (what a definition must look like), `naming` (who gets a name).
"""

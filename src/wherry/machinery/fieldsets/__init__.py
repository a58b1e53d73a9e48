"""Who owns which fields of an object: field sets, the shape of objects, comparing, merging and removing by shape.

Pure functions over plain data. A set of fields is the tree that `FieldsV1` is in JSON (see `sets`), so that nothing has
to be translated between what is stored and what is worked with. Read `sets` and `shape` first, then `comparing`,
`merging`, `removing`; `applying` and `updating` put them together. Source: sigs.k8s.io/structured-merge-diff/v6.
"""

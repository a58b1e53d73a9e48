"""Custom resources while the server runs: what is served follows the definitions in the store.

`follower` keeps the registry in step and sees to conditions; `finalizing` deletes instances; the rest is pure and stands in
`wherry.api.customresources`.
"""

"""What the runtimes `oci` and `process` share: containers that are each watched by a shim and kept in a directory.

`runtime.py` is the whole of it; `backend.py` says what a kind of container adds; `shelf.py` is the disk;
`nursery.py`, `control.py` and `attach.py` are the agent's side of the shims.
"""

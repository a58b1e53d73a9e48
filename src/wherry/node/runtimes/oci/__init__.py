"""The oci runtime: containers by runc or crun, with overlayfs, namespaces and cgroups (v1, v2 and hybrid). Needs root.

`config.py` is the pure heart (the bundle's config.json); `rootfs.py`, `namespaces.py` and `cgroups.py` make and remove
what the kernel keeps; `backend.py` puts them together for the supervised runtime.
"""

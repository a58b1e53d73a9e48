"""Runtimes: `oci` (runc or crun), `process` (plain child processes), `fake` (pods that only pretend)."""

"""How changes go out: one subscription at the store per resource, each change encoded once, written to every watcher.

Read `hub` (sharing), `frames` (encoding), `watcher` (one client), `start` (from where it watches).
"""

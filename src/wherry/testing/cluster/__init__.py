"""Whole clusters in the test's own process, for tests of operators, charts and clients: see docs/testing.md.

All clusters of a process live on one thread with one event loop (`home`), so that a fork shares what was decoded and nothing
needs a lock; what a test calls (`cluster`, `aio`) hands its wishes to that thread. `plane` puts a cluster together.
"""

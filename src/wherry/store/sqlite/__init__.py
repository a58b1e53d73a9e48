"""The durable driver: SQLite in WAL mode as an append-only log, one writer thread, group commit.

Read `store.py` first (how writes are grouped and acknowledged), then `writer.py` (the thread), `database.py` (the file).
"""

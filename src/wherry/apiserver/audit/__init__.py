"""The audit log: what was asked of the server, by whom, and what came of it; only where a policy says so."""

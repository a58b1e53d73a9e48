"""Revisioned keys and bytes, as etcd has them, in memory over a durable log. It knows keys and bytes, not kinds."""

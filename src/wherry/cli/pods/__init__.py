"""Talking to what runs in pods: which pod and container is meant, their logs, commands in them, connections to them."""

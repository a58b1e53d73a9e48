"""What probes and lifecycle hooks do: run a command, ask over HTTP, open a port, ask a gRPC health service."""

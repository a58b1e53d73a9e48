"""How a cluster of this machine is: its processes, its API server, what runs in it."""

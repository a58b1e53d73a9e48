"""What `make bench` runs: every figure that the documentation claims, measured here and now."""

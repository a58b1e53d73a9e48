"""Startup, readiness and liveness probes: `thresholds` decides, `probe` asks once, `prober` keeps asking."""

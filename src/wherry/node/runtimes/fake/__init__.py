"""The fake runtime: pods that only pretend, on the injected clock. Thousands of nodes fit on a laptop."""

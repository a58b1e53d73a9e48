"""Certificate requests: approving those of nodes, signing what was approved, removing what is over."""

"""What `wherry top` does with what it was told."""

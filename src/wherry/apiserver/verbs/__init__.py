"""A file per verb; `table` says which handler serves what."""

"""The objects that every cluster has from its first moment: made at start where they are missing."""

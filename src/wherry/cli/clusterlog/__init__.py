"""The log of a cluster of this machine: one file for all parts, filtered by part."""

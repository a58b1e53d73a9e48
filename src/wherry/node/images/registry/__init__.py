"""Pulling images from registries that speak the OCI distribution protocol (Docker's, and any other)."""

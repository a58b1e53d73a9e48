"""Configuration files that an API server is pointed at: reading them strictly, and following their changes."""

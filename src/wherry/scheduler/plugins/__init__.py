"""The plugins of the default profile, one per file; `registry` lists them."""

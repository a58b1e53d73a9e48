"""Resource quotas as arithmetic: `usage` measures objects, `scopes` says whom a quota concerns, `charging` decides."""

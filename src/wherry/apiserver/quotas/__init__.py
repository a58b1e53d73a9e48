"""Resource quotas on the way into the store: `reservations` charges writes before they happen."""

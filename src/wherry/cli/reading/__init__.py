"""What `wherry get` does with what it was told: tables, whole objects, watching."""

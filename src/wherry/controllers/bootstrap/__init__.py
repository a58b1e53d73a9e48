"""Bootstrap tokens: those that expired are removed, the others sign what a joining machine reads before it trusts anybody."""
